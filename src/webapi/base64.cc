// Base64 for atob and btoa (isolates/web/base64.js) and for JSON Web Keys.
// https://infra.spec.whatwg.org/#forgiving-base64

#include <simdutf.h>

#include "webapi/bytes.h"
#include "webapi/natives.h"

namespace atolld::webapi {
namespace {

/// fromBase64(string) -> string of bytes; undefined if it is not base64
void fromBase64(const v8::FunctionCallbackInfo<v8::Value>& info) noexcept {
  v8::Isolate* const isolate = info.GetIsolate();
  if (!info[0]->IsString()) return throwTypeError(isolate, "fromBase64: no string");
  const auto text = latin1Of(isolate, info[0].As<v8::String>());
  if (!text) return;
  std::string bytes(simdutf::maximal_binary_length_from_base64(text->data(), text->size()), '\0');
  const simdutf::result decoded =
      simdutf::base64_to_binary(text->data(), text->size(), bytes.data());
  if (decoded.error != simdutf::error_code::SUCCESS) return;
  bytes.resize(decoded.count);
  v8::Local<v8::String> value;
  if (stringOfLatin1(isolate, bytes).ToLocal(&value)) info.GetReturnValue().Set(value);
}

/// toBase64(string of bytes) -> string; undefined if a character is above 255
void toBase64(const v8::FunctionCallbackInfo<v8::Value>& info) noexcept {
  v8::Isolate* const isolate = info.GetIsolate();
  if (!info[0]->IsString()) return throwTypeError(isolate, "toBase64: no string");
  const auto bytes = latin1Of(isolate, info[0].As<v8::String>());
  if (!bytes) return;
  std::string text(simdutf::base64_length_from_binary(bytes->size()), '\0');
  text.resize(simdutf::binary_to_base64(bytes->data(), bytes->size(), text.data()));
  v8::Local<v8::String> value;
  if (stringOfLatin1(isolate, text).ToLocal(&value)) info.GetReturnValue().Set(value);
}

/// fromBase64Url(string) -> Uint8Array; undefined if it is not base64url
void fromBase64Url(const v8::FunctionCallbackInfo<v8::Value>& info) noexcept {
  v8::Isolate* const isolate = info.GetIsolate();
  if (!info[0]->IsString()) return throwTypeError(isolate, "fromBase64Url: no string");
  const auto text = latin1Of(isolate, info[0].As<v8::String>());
  if (!text) return;
  std::string bytes(simdutf::maximal_binary_length_from_base64(text->data(), text->size()), '\0');
  const simdutf::result decoded =
      simdutf::base64_to_binary(text->data(), text->size(), bytes.data(), simdutf::base64_url);
  if (decoded.error != simdutf::error_code::SUCCESS) return;
  bytes.resize(decoded.count);
  v8::Local<v8::Uint8Array> array;
  if (uint8ArrayOf(isolate, bytes).ToLocal(&array)) info.GetReturnValue().Set(array);
}

/// toBase64Url(bytes) -> string without padding
void toBase64Url(const v8::FunctionCallbackInfo<v8::Value>& info) noexcept {
  v8::Isolate* const isolate = info.GetIsolate();
  const BufferView view(info[0]);
  if (!view.ok()) return throwTypeError(isolate, "toBase64Url: no bytes");
  const std::string_view bytes = view.bytes();
  std::string text(simdutf::base64_length_from_binary(bytes.size(), simdutf::base64_url), '\0');
  text.resize(
      simdutf::binary_to_base64(bytes.data(), bytes.size(), text.data(), simdutf::base64_url));
  v8::Local<v8::String> value;
  if (stringOfLatin1(isolate, text).ToLocal(&value)) info.GetReturnValue().Set(value);
}

constexpr std::array kNatives{
    isolate::Native{"fromBase64", &fromBase64}, isolate::Native{"fromBase64Url", &fromBase64Url},
    isolate::Native{"toBase64Url", &toBase64Url}, isolate::Native{"toBase64", &toBase64}};

}  // namespace

std::span<const isolate::Native> base64Natives() { return kNatives; }

}  // namespace atolld::webapi
