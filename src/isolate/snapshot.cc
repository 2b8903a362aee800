#include "isolate/snapshot.h"

#include <v8.h>

#include <array>
#include <memory>
#include <utility>

#include "base/check.h"
#include "isolate/external_references.h"
#include "isolate/hardening.h"
#include "isolate/isolate.h"
#include "isolate/isolate_state.h"
#include "isolate/process.h"
#include "isolate/script_error.h"
#include "isolate/snapshot_blob.h"
#include "isolate/v8_strings.h"
#include "isolate/web_scripts.h"

namespace atolld::isolate {
namespace {

v8::Local<v8::Object> makeNativeObject(v8::Local<v8::Context> context, const Guest& guest) {
  v8::Isolate* const isolate = v8::Isolate::GetCurrent();
  const v8::Local<v8::Object> native =
      v8::Object::New(isolate, v8::Null(isolate), nullptr, nullptr, 0);
  const auto put = [&](v8::Local<v8::String> key, v8::Local<v8::Value> value) {
    ATOLL_CHECK(native->CreateDataProperty(context, key, value).FromMaybe(false));
  };
  const auto add = [&](std::string_view name, v8::FunctionCallback callback) {
    const v8::Local<v8::String> key = asciiString(isolate, name);
    const v8::Local<v8::Function> function =
        v8::Function::New(context, callback, {}, 0, v8::ConstructorBehavior::kThrow)
            .ToLocalChecked();
    function->SetName(key);
    put(key, function);
  };
  for (const Native& entry : guest.natives()) add(entry.name, entry.callback);
  add("loadScript", &loadScriptCallback);
  add("defineLazy", &defineLazyCallback);
  // V8's own: unlike a native's, their calls are compiled into the caller.
  for (const std::string_view name :
       {"getContinuationPreservedEmbedderData", "setContinuationPreservedEmbedderData"}) {
    const v8::Local<v8::String> key = asciiString(isolate, name);
    const v8::Local<v8::Value> function =
        context->GetExtrasBindingObject()->Get(context, key).ToLocalChecked();
    ATOLL_CHECK(function->IsFunction());
    put(key, function);
  }
  return native;
}

/// Makes the creator write `context` down, with the objects of SnapshotData in their order.
void addContext(v8::SnapshotCreator& creator, v8::Local<v8::Context> context,
                const std::array<v8::Local<v8::Object>, 4>& data) {
  creator.SetDefaultContext(context);
  for (std::size_t i = 0; i < data.size(); ++i) {
    ATOLL_CHECK(creator.AddData(context, data[i]) == i);
  }
}

Result<> fillContext(v8::SnapshotCreator& creator, const Guest& guest) {
  v8::Isolate* const isolate = creator.GetIsolate();
  const v8::HandleScope scope(isolate);
  const v8::Local<v8::Context> context = v8::Context::New(isolate);
  const v8::Context::Scope entered(context);
  const v8::TryCatch tryCatch(isolate);

  const v8::Local<v8::Function> hardenWasm = hardenContext(context);
  const v8::Local<v8::Object> native = makeNativeObject(context, guest);
  const v8::Local<v8::Object> internals =
      v8::Object::New(isolate, v8::Null(isolate), nullptr, nullptr, 0);
  const v8::Local<v8::Object> loaded =
      v8::Object::New(isolate, v8::Null(isolate), nullptr, nullptr, 0);
  setContextObjects(context, native, internals, loaded);
  for (std::size_t i = 0; i < guest.scripts().size(); ++i) {
    if (!guest.scripts()[i].eager) continue;
    if (runWebScript(context, i).IsEmpty()) {
      return fail(ErrorCode::Script, describeException(context, tryCatch));
    }
    isolate->PerformMicrotaskCheckpoint();
  }
  // An embedder slot is written down with the context only if it holds plain data: the objects
  // travel as snapshot data and are put back into their slots at start.
  for (const ContextSlot slot : {kNativeSlot, kInternalsSlot, kLoadedScriptsSlot}) {
    context->SetEmbedderData(slot, v8::Undefined(isolate));
  }
  addContext(creator, context, {native, internals, loaded, hardenWasm});
  return {};
}

/// Ends the creator's use.
Result<std::string> writeDown(v8::SnapshotCreator& creator, const ExternalReferences& references) {
  const v8::StartupData blob = creator.CreateBlob(v8::SnapshotCreator::FunctionCodeHandling::kKeep);
  const std::unique_ptr<const char[]> owner(blob.data);
  if (blob.data == nullptr) {
    return fail(ErrorCode::Script, "V8 could not write the context down");
  }
  if (!blob.CanBeRehashed()) {
    return fail(ErrorCode::Script,
                "the context holds something V8 cannot rehash: every process would start with the "
                "same, known hash seed");
  }
  return packSnapshot(references.fingerprint(),
                      {blob.data, static_cast<std::size_t>(blob.raw_size)});
}

/// Has an isolate of ours on top of the creator's do the work, in a context that is then dropped:
/// what V8 compiled for it belongs to the functions' shared half.
Result<> compileInPassing(v8::Isolate* isolate, std::shared_ptr<const deploy::Version> version,
                          std::span<host::Event> events) {
  isolateToAdopt = isolate;
  ATOLL_TRY(const std::unique_ptr<Isolate> worker, Isolate::create({}));
  ATOLL_TRY_VOID(worker->load(std::move(version)));
  host::Outbox outbox;
  return worker->run(events, outbox);
}

}  // namespace

Result<std::string> makeSnapshot(const Guest& guest) {
  initializeV8(Seeds::Fixed);
  const ExternalReferences references(guest);
  const WebScripts scripts{guest, references};
  const std::unique_ptr<v8::ArrayBuffer::Allocator> allocator(
      v8::ArrayBuffer::Allocator::NewDefaultAllocator());
  v8::Isolate::CreateParams params;
  params.array_buffer_allocator = allocator.get();
  params.external_references = references.data();
  v8::SnapshotCreator creator(params);
  creator.GetIsolate()->SetMicrotasksPolicy(v8::MicrotasksPolicy::kExplicit);
  setWebScripts(creator.GetIsolate(), scripts);

  const Result<> filled = fillContext(creator, guest);
  // The creator insists on a blob before it goes, even one nobody wants.
  auto blob = writeDown(creator, references);
  ATOLL_TRY_VOID(filled);
  return blob;
}

Result<std::string> warmSnapshot(const Guest& guest, std::string_view cold,
                                 std::shared_ptr<const deploy::Version> version,
                                 std::span<host::Event> events) {
  initializeV8(Seeds::Fixed);
  Platform::start(cold, guest);
  v8::StartupData blob = process().snapshot;
  const std::unique_ptr<v8::ArrayBuffer::Allocator> allocator(
      v8::ArrayBuffer::Allocator::NewDefaultAllocator());
  v8::Isolate::CreateParams params;
  params.array_buffer_allocator = allocator.get();
  params.external_references = process().references.data();
  params.snapshot_blob = &blob;
  v8::SnapshotCreator creator(params);
  v8::Isolate* const isolate = creator.GetIsolate();
  const v8::Locker locker(isolate);
  const Result<> done = compileInPassing(isolate, std::move(version), events);
  {
    const v8::HandleScope scope(isolate);
    const v8::Local<v8::Context> context = v8::Context::New(isolate);
    std::array<v8::Local<v8::Object>, 4> data;
    for (std::size_t i = 0; i < data.size(); ++i) {
      data[i] = context->GetDataFromSnapshotOnce<v8::Object>(i).ToLocalChecked();
    }
    addContext(creator, context, data);
  }
  auto written = writeDown(creator, process().references);
  ATOLL_TRY_VOID(done);
  return written;
}

}  // namespace atolld::isolate
