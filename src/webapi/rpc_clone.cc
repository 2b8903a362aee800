// Values in messages between scripts of a tenant, written and read by V8's serializer; for
// isolates/web/rpc_values.js.

#include <cstdlib>
#include <memory>
#include <optional>

#include "webapi/bytes.h"
#include "webapi/natives.h"

namespace atolld::webapi {
namespace {

using Info = v8::FunctionCallbackInfo<v8::Value>;

/// One string may be in a value any number of times, and is written as often: what the serializer
/// takes outside of the heap is bounded here.
constexpr std::size_t kMessageBytesMax = 32 * 1024 * 1024;

class Writer final : public v8::ValueSerializer::Delegate {
 public:
  Writer(v8::Isolate* isolate, v8::Local<v8::Value> indexOf, v8::Local<v8::Value> makeError)
      : isolate_(isolate), indexOf_(indexOf), makeError_(makeError) {}

  v8::ValueSerializer* serializer = nullptr;

  void ThrowDataCloneError(v8::Local<v8::String> message) override {
    v8::Local<v8::Value> error = message;
    if (makeError_->IsFunction() && !call(makeError_, message).ToLocal(&error)) return;
    isolate_->ThrowException(error);
  }

  void* ReallocateBufferMemory(void* old, std::size_t size, std::size_t* actual) override {
    if (size > kMessageBytesMax) return nullptr;
    *actual = size;
    return std::realloc(old, size);
  }
  void FreeBufferMemory(void* buffer) override { std::free(buffer); }

  bool HasCustomHostObject(v8::Isolate*) override { return indexOf_->IsFunction(); }

  v8::Maybe<bool> IsHostObject(v8::Isolate*, v8::Local<v8::Object> object) override {
    v8::Local<v8::Value> index;
    if (!call(indexOf_, object).ToLocal(&index)) return v8::Nothing<bool>();
    return v8::Just(index->IsUint32());
  }

  v8::Maybe<bool> WriteHostObject(v8::Isolate*, v8::Local<v8::Object> object) override {
    v8::Local<v8::Value> index;
    if (!indexOf_->IsFunction() || !call(indexOf_, object).ToLocal(&index) || !index->IsUint32()) {
      ThrowDataCloneError(internalized(isolate_, "The object could not be cloned."));
      return v8::Nothing<bool>();
    }
    serializer->WriteUint32(index.As<v8::Uint32>()->Value());
    return v8::Just(true);
  }

  v8::Maybe<std::uint32_t> GetSharedArrayBufferId(v8::Isolate*,
                                                  v8::Local<v8::SharedArrayBuffer>) override {
    ThrowDataCloneError(internalized(isolate_, "A SharedArrayBuffer could not be cloned."));
    return v8::Nothing<std::uint32_t>();
  }

 private:
  v8::MaybeLocal<v8::Value> call(v8::Local<v8::Value> function, v8::Local<v8::Value> argument) {
    return function.As<v8::Function>()->Call(isolate_->GetCurrentContext(), v8::Undefined(isolate_),
                                             1, &argument);
  }

  v8::Isolate* isolate_;
  v8::Local<v8::Value> indexOf_;
  v8::Local<v8::Value> makeError_;
};

class Reader final : public v8::ValueDeserializer::Delegate {
 public:
  explicit Reader(v8::Local<v8::Array> objects) : objects_(objects) {}

  v8::ValueDeserializer* deserializer = nullptr;

  v8::MaybeLocal<v8::Object> ReadHostObject(v8::Isolate* isolate) override {
    std::uint32_t index = 0;
    v8::Local<v8::Value> object;
    if (!deserializer->ReadUint32(&index) ||
        !objects_->Get(isolate->GetCurrentContext(), index).ToLocal(&object) ||
        !object->IsObject()) {
      throwTypeError(isolate, "rpcRead: there is no such object");
      return {};
    }
    return object.As<v8::Object>();
  }

 private:
  v8::Local<v8::Array> objects_;
};

struct FreeData {
  void operator()(std::uint8_t* data) const noexcept { std::free(data); }
};

/// rpcWrite(value, indexOf(object) -> number or undefined, makeError(message)) -> Uint8Array
void rpcWrite(const Info& info) noexcept {
  v8::Isolate* const isolate = info.GetIsolate();
  Writer writer(isolate, info[1], info[2]);
  v8::ValueSerializer serializer(isolate, &writer);
  writer.serializer = &serializer;
  serializer.WriteHeader();
  // Runs script: getters.
  if (serializer.WriteValue(isolate->GetCurrentContext(), info[0]).IsNothing()) return;
  const auto [bytes, length] = serializer.Release();
  const std::unique_ptr<std::uint8_t, FreeData> owner(bytes);
  v8::Local<v8::Uint8Array> array;
  if (uint8ArrayOf(isolate, {reinterpret_cast<const char*>(bytes), length}).ToLocal(&array)) {
    info.GetReturnValue().Set(array);
  }
}

/// rpcRead(bytes of rpcWrite, [object ...]) -> value
void rpcRead(const Info& info) noexcept {
  v8::Isolate* const isolate = info.GetIsolate();
  const auto context = isolate->GetCurrentContext();
  const BufferView view(info[0]);
  if (!view.ok() || !info[1]->IsArray()) return throwTypeError(isolate, "rpcRead: no bytes");
  // A copy: reading may run script, which may detach the buffer.
  const std::string bytes(view.bytes());
  Reader reader(info[1].As<v8::Array>());
  v8::ValueDeserializer deserializer(isolate, reinterpret_cast<const std::uint8_t*>(bytes.data()),
                                     bytes.size(), &reader);
  reader.deserializer = &deserializer;
  v8::Local<v8::Value> value;
  if (deserializer.ReadHeader(context).IsNothing() ||
      !deserializer.ReadValue(context).ToLocal(&value)) {
    return;
  }
  info.GetReturnValue().Set(value);
}

constexpr std::array kNatives{isolate::Native{"rpcWrite", &rpcWrite},
                              isolate::Native{"rpcRead", &rpcRead}};

}  // namespace

std::span<const isolate::Native> rpcNatives() { return kNatives; }

}  // namespace atolld::webapi
