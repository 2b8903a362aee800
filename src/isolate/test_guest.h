#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "isolate/guest.h"

/// A guest small enough to read at a glance, for tests of this module and of those above it. A
/// script's `export default { fetch(target) { … } }` gives a string, or a promise of one, and that
/// is the response's body; globalThis.log(text) logs; globalThis.lazy() comes from a lazy script;
/// globalThis.enter() sets testEntered().
namespace atolld::isolate {

/// The guest of the test process. Platform::start() is called on the first use.
const Guest& startTestGuest();

/// Set by a script's enter(): another thread sees that a slice is running.
std::atomic<bool>& testEntered();

/// A version whose main module is `source`.
std::shared_ptr<const deploy::Version> testVersion(std::string source);
/// The first module is the main one; its hash is its name and content.
std::shared_ptr<const deploy::Version> testVersion(std::vector<deploy::Module> modules);
deploy::Module testModule(std::string name, std::string content,
                          deploy::ModuleType type = deploy::ModuleType::EsModule);

host::Event testFetch(host::InvocationId invocation, std::string target = "/");

/// The texts of what one slice with a testFetch() left, joined by '|'; or "lost: " and why.
std::string answerOf(Isolate& isolate, std::string target = "/");

/// A response's body, a failure's or a log's text.
std::string textOf(const host::Effect& effect);

}  // namespace atolld::isolate
