#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "deploy/deployment.h"
#include "isolate/guest.h"
#include "isolate/host.h"

namespace atolld::isolate {

/// Runs the guest's eager scripts in a fresh context and returns it as a blob for
/// Platform::start(). Build time (tools/snapshot) and tests; the same guest gives the same bytes.
///
/// Natives exist while it runs but Isolate::from() does not: a script run into the snapshot may
/// keep natives, and must not call one that asks for its isolate.
///
/// @error Script: a script threw or did not compile, with place and text; or it left something
/// behind that V8 cannot write down.
Result<std::string> makeSnapshot(const Guest& guest);

/// The same context again, with the code of the built-in scripts that V8 compiles while an isolate
/// made from `cold` loads `version` and handles `events`: other isolates then need not compile it.
/// The platform is started here, with `cold`, which must outlive the process's use of V8.
/// @error Script: as makeSnapshot(); or the version cannot do that much
Result<std::string> warmSnapshot(const Guest& guest, std::string_view cold,
                                 std::shared_ptr<const deploy::Version> version,
                                 std::span<host::Event> events);

}  // namespace atolld::isolate
