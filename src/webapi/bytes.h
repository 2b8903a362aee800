#pragma once

#include <v8.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"

/// Text and bytes between V8 and C++. Inside a slice only. An empty MaybeLocal always means that a
/// JS exception is pending.
namespace atolld::webapi {

/// A JS string of our own short ASCII text: names, codes.
v8::Local<v8::String> internalized(v8::Isolate* isolate, std::string_view ascii);

/// UTF-8 of a string; lone surrogates become U+FFFD.
std::string utf8Of(v8::Isolate* isolate, v8::Local<v8::String> text);

/// A ByteString's bytes; nothing if a character is above 255.
std::optional<std::string> latin1Of(v8::Isolate* isolate, v8::Local<v8::String> text);

/// "UTF-8 decode without BOM" of the Encoding standard: malformed parts become U+FFFD.
v8::MaybeLocal<v8::String> stringOfUtf8(v8::Isolate* isolate, std::string_view utf8);
/// Each byte one character, as header values are seen by scripts.
v8::MaybeLocal<v8::String> stringOfLatin1(v8::Isolate* isolate, std::string_view latin1);

/// A new Uint8Array with a copy of `bytes`.
v8::MaybeLocal<v8::Uint8Array> uint8ArrayOf(v8::Isolate* isolate, std::string_view bytes);

/// The bytes of an ArrayBuffer or a view of one, borrowed until script runs next.
class BufferView {
 public:
  /// Empty bytes for a detached buffer; not ok() for anything that is no buffer.
  explicit BufferView(v8::Local<v8::Value> value);
  BufferView(const BufferView&) = delete;
  BufferView& operator=(const BufferView&) = delete;

  bool ok() const noexcept { return ok_; }
  std::string_view bytes() const noexcept { return bytes_; }

 private:
  std::array<std::uint8_t, 64> onHeap_;  // V8 keeps small views' bytes where we cannot point at.
  std::string_view bytes_;
  bool ok_ = false;
};

/// The forms in which bytes are handed to a script; kernel.js has the same numbers.
enum class Take : std::uint32_t { Text = 0, Buffer = 1, Bytes = 2, Json = 3 };
/// `bytes` in one of them. A byte order mark is dropped from Text and Json. Json may throw a
/// SyntaxError, any a RangeError when it does not fit.
v8::MaybeLocal<v8::Value> takeAs(v8::Local<v8::Context> context, std::string_view bytes, Take take);

/// Throws a RangeError or TypeError; for `return throwTypeError(…);` in a native.
void throwRangeError(v8::Isolate* isolate, std::string_view ascii);
void throwTypeError(v8::Isolate* isolate, std::string_view ascii);

}  // namespace atolld::webapi
