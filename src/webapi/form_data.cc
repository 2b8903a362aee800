#include <algorithm>
#include <array>
#include <vector>

#include "webapi/bytes.h"
#include "webapi/multipart.h"
#include "webapi/natives.h"

namespace atolld::webapi {
namespace {

using Info = v8::FunctionCallbackInfo<v8::Value>;

v8::Local<v8::Value> optionalText(v8::Isolate* isolate, const std::optional<std::string>& text) {
  v8::Local<v8::String> value;
  if (!text || !stringOfUtf8(isolate, *text).ToLocal(&value)) return v8::Undefined(isolate);
  return value;
}

/// parseMultipart(bytes, boundary) -> [name, file name or undefined, content type or undefined,
/// begin, end, ...]; the text of what is wrong if it is malformed
void parseMultipartBody(const Info& info) noexcept {
  v8::Isolate* const isolate = info.GetIsolate();
  const BufferView body(info[0]);
  if (!body.ok() || !info[1]->IsString())
    return throwTypeError(isolate, "parseMultipart: no bytes");
  const auto parts = parseMultipart(body.bytes(), utf8Of(isolate, info[1].As<v8::String>()));
  if (!parts) return info.GetReturnValue().Set(internalized(isolate, parts.error().detail));
  std::vector<v8::Local<v8::Value>> flat;
  flat.reserve(5 * parts->size());
  for (const MultipartPart& part : *parts) {
    flat.push_back(optionalText(isolate, part.name));
    flat.push_back(optionalText(isolate, part.filename));
    flat.push_back(optionalText(isolate, part.contentType));
    flat.push_back(v8::Number::New(isolate, static_cast<double>(part.begin)));
    flat.push_back(v8::Number::New(isolate, static_cast<double>(part.end)));
  }
  info.GetReturnValue().Set(v8::Array::New(isolate, flat.data(), flat.size()));
}

constexpr std::array kNatives{isolate::Native{"parseMultipart", &parseMultipartBody}};

}  // namespace

std::span<const isolate::Native> formDataNatives() { return kNatives; }

}  // namespace atolld::webapi
