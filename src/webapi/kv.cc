// Questions to KV namespaces. What may be asked is checked in kv.js, with the texts that Workers
// users know, and once more by the store.

#include <array>

#include "webapi/bytes.h"
#include "webapi/effects.h"
#include "webapi/natives.h"

namespace atolld::webapi {
namespace {

using Info = v8::FunctionCallbackInfo<v8::Value>;

/// kvGet(op, slot, namespace, key)
void kvGet(const Info& info) noexcept {
  NativeCall call(info);
  const auto op = call.id(0);
  const Invocation* const invocation = call.invocation(1);
  if (!op || invocation == nullptr) return call.refuse("kvGet: the invocation has ended");
  call.emit(host::KvGet{*op, invocation->id, call.utf8(2), call.utf8(3)});
}

/// kvList(op, slot, namespace, prefix, limit, cursor or undefined)
void kvList(const Info& info) noexcept {
  NativeCall call(info);
  const auto op = call.id(0);
  const Invocation* const invocation = call.invocation(1);
  if (!op || invocation == nullptr) return call.refuse("kvList: the invocation has ended");
  call.emit(host::KvList{*op, invocation->id, call.utf8(2), call.utf8(3),
                         static_cast<std::size_t>(call.whole(4)), call.optionalUtf8(5)});
}

/// kvPut(op, slot, namespace, key, value, expiration in seconds or undefined, metadata or
/// undefined)
void kvPut(const Info& info) noexcept {
  NativeCall call(info);
  const auto op = call.id(0);
  const Invocation* const invocation = call.invocation(1);
  auto value = call.bytes(4);
  if (!op || invocation == nullptr || !value) {
    return call.refuse("kvPut: the invocation has ended, or the value is not bytes");
  }
  store::KvPut put{
      .key = call.utf8(3), .value = *std::move(value), .metadata = call.optionalUtf8(6)};
  if (info[5]->IsNumber()) put.expirationSeconds = static_cast<std::int64_t>(call.whole(5));
  host::KvWrite write{.op = *op, .invocation = invocation->id, .namespaceId = call.utf8(2)};
  write.puts.push_back(std::move(put));
  call.emit(std::move(write));
}

/// kvDelete(op, slot, namespace, [key, …])
void kvDelete(const Info& info) noexcept {
  NativeCall call(info);
  const auto op = call.id(0);
  const Invocation* const invocation = call.invocation(1);
  if (!op || invocation == nullptr || !info[3]->IsArray()) {
    return call.refuse("kvDelete: the invocation has ended");
  }
  v8::Isolate* const isolate = info.GetIsolate();
  host::KvWrite write{.op = *op, .invocation = invocation->id, .namespaceId = call.utf8(2)};
  const auto keys = info[3].As<v8::Array>();
  for (std::uint32_t i = 0; i < keys->Length(); ++i) {
    v8::Local<v8::Value> key;
    if (!keys->Get(isolate->GetCurrentContext(), i).ToLocal(&key) || !key->IsString()) {
      return call.refuse("kvDelete: a key is not a string");
    }
    write.removals.push_back(utf8Of(isolate, key.As<v8::String>()));
  }
  call.emit(std::move(write));
}

constexpr std::array kNatives{isolate::Native{"kvGet", &kvGet}, isolate::Native{"kvList", &kvList},
                              isolate::Native{"kvPut", &kvPut},
                              isolate::Native{"kvDelete", &kvDelete}};

}  // namespace

std::span<const isolate::Native> kvNatives() { return kNatives; }

}  // namespace atolld::webapi
