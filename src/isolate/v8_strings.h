#pragma once

#include <v8.h>

#include <string>
#include <string_view>

namespace atolld::isolate {

/// A JS string of our own short ASCII text.
inline v8::Local<v8::String> asciiString(v8::Isolate* isolate, std::string_view text) {
  return v8::String::NewFromOneByte(isolate, reinterpret_cast<const std::uint8_t*>(text.data()),
                                    v8::NewStringType::kInternalized,
                                    static_cast<int>(text.size()))
      .ToLocalChecked();  // Fails only above V8's string limit (half a gigabyte).
}

/// A JS string of UTF-8 text of ours or a short one of a tenant's; malformed parts become U+FFFD.
inline v8::Local<v8::String> utf8String(v8::Isolate* isolate, std::string_view text) {
  text = text.substr(0, 1 << 20);  // Messages and names only: keeps the promise below.
  return v8::String::NewFromUtf8(isolate, text.data(), v8::NewStringType::kNormal,
                                 static_cast<int>(text.size()))
      .ToLocalChecked();
}

/// UTF-8 of any value without running script: objects give their class ("#<Object>").
inline std::string toUtf8(v8::Isolate* isolate, v8::Local<v8::Value> value) {
  const v8::HandleScope scope(isolate);
  v8::Local<v8::String> text;
  if (value.IsEmpty()) return {};
  if (value->IsString()) {
    text = value.As<v8::String>();
  } else if (!value->ToDetailString(isolate->GetCurrentContext()).ToLocal(&text)) {
    return {};
  }
  const v8::String::Utf8Value utf8(isolate, text);
  return *utf8 ? std::string(*utf8, static_cast<std::size_t>(utf8.length())) : std::string();
}

}  // namespace atolld::isolate
