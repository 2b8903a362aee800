// structuredClone, on V8's serializer: what leaves the script is bytes that come right back.
// https://html.spec.whatwg.org/#dom-structuredclone

#include <cstdlib>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "webapi/bytes.h"
#include "webapi/natives.h"

namespace atolld::webapi {
namespace {

/// Objects that go from the writing to the reading side as they are: handles that outlive the
/// serializer's own scopes.
template <class T>
class Passed {
 public:
  std::uint32_t add(v8::Isolate* isolate, v8::Local<T> object) {
    objects_.emplace_back(isolate, object);
    return static_cast<std::uint32_t>(objects_.size() - 1);
  }
  v8::MaybeLocal<T> get(v8::Isolate* isolate, std::uint32_t id) const {
    if (id < objects_.size()) return objects_[id].Get(isolate);
    throwTypeError(isolate, "clone: there is no such object");
    return {};
  }

 private:
  std::vector<v8::Global<T>> objects_;
};

/// The functions of structured_clone.js. An empty answer leaves an exception pending.
struct Script {
  v8::Local<v8::Function> makeError;  ///< (message) -> the DataCloneError to throw
  v8::Local<v8::Function> isHost;     ///< (object) -> whether it is one of the platform's
  v8::Local<v8::Function> cloneHost;  ///< (object) -> its copy; throws if it cannot be cloned

  static v8::MaybeLocal<v8::Value> call(v8::Isolate* isolate, v8::Local<v8::Function> function,
                                        v8::Local<v8::Value> argument) {
    return function->Call(isolate->GetCurrentContext(), v8::Undefined(isolate), 1, &argument);
  }
};

class Writer : public v8::ValueSerializer::Delegate {
 public:
  Writer(v8::Isolate* isolate, const Script& script) : isolate_(isolate), script_(script) {}

  /// The serializer asks us, so it is made first.
  v8::ValueSerializer* serializer = nullptr;
  Passed<v8::WasmModuleObject> modules;  ///< Compiled modules are shared, not copied.
  Passed<v8::Object> hosts;

  void ThrowDataCloneError(v8::Local<v8::String> message) override {
    v8::Local<v8::Value> error;
    if (Script::call(isolate_, script_.makeError, message).ToLocal(&error)) {
      isolate_->ThrowException(error);
    }
  }

  bool HasCustomHostObject(v8::Isolate*) override { return true; }

  v8::Maybe<bool> IsHostObject(v8::Isolate* isolate, v8::Local<v8::Object> object) override {
    // Spares plain objects the call.
    const v8::Local<v8::Value> prototype = object->GetPrototypeV2();
    if (!prototype->IsObject() || prototype.As<v8::Object>()->GetPrototypeV2()->IsNull()) {
      return v8::Just(false);
    }
    v8::Local<v8::Value> answer;
    if (!Script::call(isolate, script_.isHost, object).ToLocal(&answer)) {
      return v8::Nothing<bool>();
    }
    return v8::Just(answer->IsTrue());
  }

  v8::Maybe<bool> WriteHostObject(v8::Isolate* isolate, v8::Local<v8::Object> object) override {
    v8::Local<v8::Value> copy;
    if (!Script::call(isolate, script_.cloneHost, object).ToLocal(&copy) || !copy->IsObject()) {
      return v8::Nothing<bool>();
    }
    serializer->WriteUint32(hosts.add(isolate, copy.As<v8::Object>()));
    return v8::Just(true);
  }

  v8::Maybe<std::uint32_t> GetSharedArrayBufferId(v8::Isolate* isolate,
                                                  v8::Local<v8::SharedArrayBuffer>) override {
    ThrowDataCloneError(internalized(isolate, "A SharedArrayBuffer could not be cloned."));
    return v8::Nothing<std::uint32_t>();
  }

  v8::Maybe<std::uint32_t> GetWasmModuleTransferId(
      v8::Isolate* isolate, v8::Local<v8::WasmModuleObject> module) override {
    return v8::Just(modules.add(isolate, module));
  }

 private:
  v8::Isolate* isolate_;
  const Script& script_;
};

class Reader : public v8::ValueDeserializer::Delegate {
 public:
  explicit Reader(const Writer& writer) : writer_(writer) {}

  v8::ValueDeserializer* deserializer = nullptr;

  v8::MaybeLocal<v8::Object> ReadHostObject(v8::Isolate* isolate) override {
    std::uint32_t id = 0;
    if (!deserializer->ReadUint32(&id)) return {};
    return writer_.hosts.get(isolate, id);
  }

  v8::MaybeLocal<v8::WasmModuleObject> GetWasmModuleFromId(v8::Isolate* isolate,
                                                           std::uint32_t id) override {
    return writer_.modules.get(isolate, id);
  }

 private:
  const Writer& writer_;
};

/// The ArrayBuffers of a transfer list; nothing, and an exception, if it holds anything else.
std::optional<std::vector<v8::Local<v8::ArrayBuffer>>> buffersOf(v8::Local<v8::Context> context,
                                                                 v8::Local<v8::Value> list) {
  std::vector<v8::Local<v8::ArrayBuffer>> buffers;
  if (!list->IsArray()) return buffers;
  const auto array = list.As<v8::Array>();
  for (std::uint32_t i = 0; i < array->Length(); ++i) {
    v8::Local<v8::Value> item;
    if (!array->Get(context, i).ToLocal(&item)) return std::nullopt;
    if (!item->IsArrayBuffer()) {
      throwTypeError(v8::Isolate::GetCurrent(), "clone: the transfer list holds no ArrayBuffer");
      return std::nullopt;
    }
    buffers.push_back(item.As<v8::ArrayBuffer>());
  }
  return buffers;
}

struct FreeData {
  void operator()(std::uint8_t* data) const noexcept { std::free(data); }
};

/// clone(value, [ArrayBuffer ...], makeError, isHost, cloneHost) -> value
void clone(const v8::FunctionCallbackInfo<v8::Value>& info) noexcept {
  v8::Isolate* const isolate = info.GetIsolate();
  const auto context = isolate->GetCurrentContext();
  if (!info[2]->IsFunction() || !info[3]->IsFunction() || !info[4]->IsFunction()) {
    return throwTypeError(isolate, "clone: wants three functions");
  }
  const Script script{.makeError = info[2].As<v8::Function>(),
                      .isHost = info[3].As<v8::Function>(),
                      .cloneHost = info[4].As<v8::Function>()};
  auto buffers = buffersOf(context, info[1]);
  if (!buffers) return;

  Writer writer(isolate, script);
  v8::ValueSerializer serializer(isolate, &writer);
  writer.serializer = &serializer;
  serializer.WriteHeader();
  for (std::uint32_t id = 0; id < buffers->size(); ++id) {
    serializer.TransferArrayBuffer(id, (*buffers)[id]);
  }
  // Runs script: getters.
  if (serializer.WriteValue(context, info[0]).IsNothing()) return;
  const auto [bytes, length] = serializer.Release();
  const std::unique_ptr<std::uint8_t, FreeData> owner(bytes);

  Reader reader(writer);
  v8::ValueDeserializer deserializer(isolate, bytes, length, &reader);
  reader.deserializer = &deserializer;
  for (std::uint32_t id = 0; id < buffers->size(); ++id) {
    // Script may have detached it while the value was read: then it moves as an empty one.
    const v8::Local<v8::ArrayBuffer> source = (*buffers)[id];
    const std::shared_ptr<v8::BackingStore> store = source->GetBackingStore();
    if (!source->WasDetached() && source->Detach(v8::Local<v8::Value>()).IsNothing()) return;
    deserializer.TransferArrayBuffer(id, v8::ArrayBuffer::New(isolate, store));
  }
  v8::Local<v8::Value> copy;
  if (deserializer.ReadHeader(context).IsNothing() ||
      !deserializer.ReadValue(context).ToLocal(&copy)) {
    return;
  }
  info.GetReturnValue().Set(copy);
}

constexpr std::array kNatives{isolate::Native{"clone", &clone}};

}  // namespace

std::span<const isolate::Native> cloneNatives() { return kNatives; }

}  // namespace atolld::webapi
