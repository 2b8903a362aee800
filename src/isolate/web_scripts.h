#pragma once

#include <v8.h>

#include "base/result.h"
#include "isolate/external_references.h"
#include "isolate/guest.h"

namespace atolld::isolate {

/// Slots of v8::Isolate::SetData.
enum IsolateSlot : std::uint32_t { kIsolateDataSlot = 0, kWebScriptsDataSlot = 1 };

/// Where a context keeps what built-in scripts share. Slot 0 is the debugger's.
enum ContextSlot : int { kNativeSlot = 1, kInternalsSlot = 2, kLoadedScriptsSlot = 3 };

/// What snapshot.cc stores with the context, in this order, and isolate.cc takes out again.
enum SnapshotData : std::size_t {
  kNativeData = 0,
  kInternalsData = 1,
  kLoadedScriptsData = 2,
  kHardenWasmData = 3
};

/// Puts the three objects into the context's slots.
void setContextObjects(v8::Local<v8::Context> context, v8::Local<v8::Object> native,
                       v8::Local<v8::Object> internals, v8::Local<v8::Object> loadedScripts);

/// The built-in scripts an isolate can run. Set once per isolate, before anything of it runs.
struct WebScripts {
  const Guest& guest;
  const ExternalReferences& references;
};
/// `scripts` outlives the isolate.
void setWebScripts(v8::Isolate* isolate, const WebScripts& scripts);

/// Compiles script `index` as the body of `(function (native, internals) { … })` and calls it. Its
/// value is remembered: a second time gives that and runs nothing. Empty: a JS exception is
/// pending.
v8::MaybeLocal<v8::Value> runWebScript(v8::Local<v8::Context> context, std::size_t index);

/// `native.loadScript(name)`: runs that script now if it has not run, and returns its value.
void loadScriptCallback(const v8::FunctionCallbackInfo<v8::Value>& info) noexcept;

/// `native.defineLazy(object, name)`: a data property, not enumerable, whose value is made by
/// `internals.makeLazy(name)` when somebody first looks at it.
void defineLazyCallback(const v8::FunctionCallbackInfo<v8::Value>& info) noexcept;
/// What V8 calls then.
void lazyValueGetter(v8::Local<v8::Name> name, const v8::PropertyCallbackInfo<v8::Value>& info);

}  // namespace atolld::isolate
