// Strings and bytes for node:buffer and node:util (isolates/node/src).

#include <simdutf.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <string>

#include "base/encoding.h"
#include "webapi/bytes.h"
#include "webapi/natives.h"

namespace atolld::webapi {
namespace {

using Info = v8::FunctionCallbackInfo<v8::Value>;

/// Node's encodings; buffer.js has the same numbers.
enum class Text : std::uint32_t { Utf8, Utf16, Latin1, Base64, Base64Url, Hex, Ascii, kCount };

std::optional<Text> textKind(v8::Local<v8::Value> value) {
  if (!value->IsUint32() || value.As<v8::Uint32>()->Value() >= static_cast<unsigned>(Text::kCount))
    return std::nullopt;
  return static_cast<Text>(value.As<v8::Uint32>()->Value());
}

std::size_t sizeOf(v8::Local<v8::Value> value, std::size_t max) {
  if (!value->IsNumber()) return max;
  const double number = value.As<v8::Number>()->Value();
  return number >= 0 && number < static_cast<double>(max) ? static_cast<std::size_t>(number) : max;
}

v8::MaybeLocal<v8::String> latin1String(v8::Isolate* isolate, std::string_view bytes) {
  return stringOfLatin1(isolate, bytes);
}

/// Node keeps a byte order mark, where "UTF-8 decode" drops it only from a body's beginning.
v8::MaybeLocal<v8::String> utf8String(v8::Isolate* isolate, std::string_view bytes) {
  if (bytes.size() > static_cast<std::size_t>(v8::String::kMaxLength)) {
    throwRangeError(isolate, "Cannot create a string longer than 0x1fffffe8 characters");
    return {};
  }
  return v8::String::NewFromUtf8(isolate, bytes.data(), v8::NewStringType::kNormal,
                                 static_cast<int>(bytes.size()));
}

v8::MaybeLocal<v8::String> utf16String(v8::Isolate* isolate, std::string_view bytes) {
  if (bytes.size() < 2) return v8::String::Empty(isolate);
  std::u16string units(bytes.size() / 2, u'\0');  // Aligned, whatever the view is.
  std::memcpy(units.data(), bytes.data(), units.size() * 2);
  if (units.size() > static_cast<std::size_t>(v8::String::kMaxLength)) {
    throwRangeError(isolate, "Cannot create a string longer than 0x1fffffe8 characters");
    return {};
  }
  return v8::String::NewFromTwoByte(isolate, reinterpret_cast<const std::uint16_t*>(units.data()),
                                    v8::NewStringType::kNormal, static_cast<int>(units.size()));
}

v8::MaybeLocal<v8::String> decode(v8::Isolate* isolate, std::string_view bytes, Text kind) {
  switch (kind) {
    case Text::Utf8:
      return utf8String(isolate, bytes);
    case Text::Utf16:
      return utf16String(isolate, bytes);
    case Text::Latin1:
      return latin1String(isolate, bytes);
    case Text::Ascii: {
      std::string text(bytes);
      for (char& c : text) c = static_cast<char>(c & 0x7f);
      return latin1String(isolate, text);
    }
    case Text::Hex:
      return latin1String(isolate, toHex(bytes));
    case Text::Base64:
    case Text::Base64Url: {
      const auto option = kind == Text::Base64 ? simdutf::base64_default : simdutf::base64_url;
      std::string text(simdutf::base64_length_from_binary(bytes.size(), option), '\0');
      text.resize(simdutf::binary_to_base64(bytes.data(), bytes.size(), text.data(), option));
      return latin1String(isolate, text);
    }
    case Text::kCount:
      break;
  }
  return v8::String::Empty(isolate);
}

int hexDigit(char16_t c) {
  if (c >= u'0' && c <= u'9') return c - u'0';
  if (c >= u'a' && c <= u'f') return c - u'a' + 10;
  if (c >= u'A' && c <= u'F') return c - u'A' + 10;
  return -1;
}

std::u16string unitsOf(v8::Isolate* isolate, v8::Local<v8::String> text) {
  std::u16string units(static_cast<std::size_t>(text->Length()), u'\0');
  text->WriteV2(isolate, 0, static_cast<std::uint32_t>(units.size()),
                reinterpret_cast<std::uint16_t*>(units.data()));
  return units;
}

/// Up to the first character that is no digit, as Node has it.
std::string fromHex(const std::u16string& text) {
  std::string bytes;
  bytes.reserve(text.size() / 2);
  for (std::size_t i = 0; i + 1 < text.size(); i += 2) {
    const int high = hexDigit(text[i]), low = hexDigit(text[i + 1]);
    if (high < 0 || low < 0) break;
    bytes.push_back(static_cast<char>(high * 16 + low));
  }
  return bytes;
}

/// Either alphabet, whatever is of neither left out, up to the padding.
std::string fromBase64(const std::u16string& text) {
  constexpr std::string_view kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  static const std::array<std::int8_t, 128> kDigits = [&] {
    std::array<std::int8_t, 128> digits;
    digits.fill(-1);
    for (std::size_t i = 0; i < kAlphabet.size(); ++i) {
      digits[static_cast<unsigned char>(kAlphabet[i])] = static_cast<std::int8_t>(i);
    }
    digits['-'] = 62;
    digits['_'] = 63;
    return digits;
  }();
  std::string bytes;
  bytes.reserve(text.size() / 4 * 3 + 3);
  std::uint32_t bits = 0;
  int count = 0;
  for (const char16_t c : text) {
    if (c == u'=') break;
    const int digit = c < 128 ? kDigits[c] : -1;
    if (digit < 0) continue;
    bits = bits << 6 | static_cast<std::uint32_t>(digit);
    count += 6;
    if (count < 8) continue;
    count -= 8;
    bytes.push_back(static_cast<char>(bits >> count & 0xff));
  }
  return bytes;
}

std::string encode(v8::Isolate* isolate, v8::Local<v8::String> text, Text kind) {
  switch (kind) {
    case Text::Utf8:
      return utf8Of(isolate, text);
    case Text::Utf16: {
      const std::u16string units = unitsOf(isolate, text);
      return {reinterpret_cast<const char*>(units.data()), units.size() * 2};
    }
    case Text::Latin1:
    case Text::Ascii: {
      const std::u16string units = unitsOf(isolate, text);
      std::string bytes(units.size(), '\0');
      std::ranges::transform(units, bytes.begin(),
                             [](char16_t unit) { return static_cast<char>(unit & 0xff); });
      return bytes;
    }
    case Text::Hex:
      return fromHex(unitsOf(isolate, text));
    default:
      return fromBase64(unitsOf(isolate, text));
  }
}

/// bufferToString(view, encoding, start, end) -> string
void bufferToString(const Info& info) noexcept {
  const BufferView view(info[0]);
  const auto kind = textKind(info[1]);
  if (!view.ok() || !kind) return throwTypeError(info.GetIsolate(), "bufferToString: arguments");
  const std::size_t end = sizeOf(info[3], view.bytes().size());
  const std::size_t start = std::min(end, sizeOf(info[2], view.bytes().size()));
  v8::Local<v8::String> text;
  if (decode(info.GetIsolate(), view.bytes().substr(start, end - start), *kind).ToLocal(&text)) {
    info.GetReturnValue().Set(text);
  }
}

/// bufferOfString(string, encoding) -> Uint8Array
void bufferOfString(const Info& info) noexcept {
  v8::Isolate* const isolate = info.GetIsolate();
  const auto kind = textKind(info[1]);
  if (!info[0]->IsString() || !kind) return throwTypeError(isolate, "bufferOfString: arguments");
  v8::Local<v8::Uint8Array> bytes;
  if (uint8ArrayOf(isolate, encode(isolate, info[0].As<v8::String>(), *kind)).ToLocal(&bytes)) {
    info.GetReturnValue().Set(bytes);
  }
}

/// bufferWrite(view, string, offset, length, encoding) -> bytes written: whole characters only
void bufferWrite(const Info& info) noexcept {
  v8::Isolate* const isolate = info.GetIsolate();
  const auto kind = textKind(info[4]);
  if (!info[0]->IsArrayBufferView() || !info[1]->IsString() || !kind) {
    return throwTypeError(isolate, "bufferWrite: arguments");
  }
  const std::string bytes = encode(isolate, info[1].As<v8::String>(), *kind);
  const auto view = info[0].As<v8::ArrayBufferView>();
  const std::size_t size = view->ByteLength();
  const std::size_t offset = sizeOf(info[2], size);
  std::size_t count = std::min({bytes.size(), size - offset, sizeOf(info[3], size)});
  if (*kind == Text::Utf8 && count < bytes.size()) {
    while (count > 0 && (static_cast<unsigned char>(bytes[count]) & 0xC0) == 0x80) --count;
  }
  if (*kind == Text::Utf16) count -= count % 2;
  if (count > 0) {
    auto* const target = static_cast<char*>(view->Buffer()->Data()) + view->ByteOffset() + offset;
    std::memcpy(target, bytes.data(), count);
  }
  info.GetReturnValue().Set(static_cast<double>(count));
}

/// utf8Length(string) -> bytes
void utf8Length(const Info& info) noexcept {
  if (!info[0]->IsString()) return throwTypeError(info.GetIsolate(), "utf8Length: no string");
  info.GetReturnValue().Set(
      static_cast<double>(info[0].As<v8::String>()->Utf8LengthV2(info.GetIsolate())));
}

/// bufferIndexOf(view, view, from, last) -> offset, or -1
void bufferIndexOf(const Info& info) noexcept {
  const BufferView view(info[0]), part(info[1]);
  if (!view.ok() || !part.ok()) return throwTypeError(info.GetIsolate(), "bufferIndexOf: no bytes");
  const std::size_t from = sizeOf(info[2], view.bytes().size());
  const std::size_t at = info[3]->IsTrue() ? view.bytes().rfind(part.bytes(), from)
                                           : view.bytes().find(part.bytes(), from);
  info.GetReturnValue().Set(at == std::string_view::npos ? -1.0 : static_cast<double>(at));
}

/// bytesAreUtf8(view), bytesAreAscii(view)
void bytesAreUtf8(const Info& info) noexcept {
  const BufferView view(info[0]);
  info.GetReturnValue().Set(view.ok() &&
                            simdutf::validate_utf8(view.bytes().data(), view.bytes().size()));
}
void bytesAreAscii(const Info& info) noexcept {
  const BufferView view(info[0]);
  info.GetReturnValue().Set(view.ok() &&
                            simdutf::validate_ascii(view.bytes().data(), view.bytes().size()));
}

/// What node:util's `types` tell apart, in the order of types.js.
constexpr std::array<bool (v8::Value::*)() const, 41> kTypes{&v8::Value::IsArgumentsObject,
                                                             &v8::Value::IsArrayBuffer,
                                                             &v8::Value::IsArrayBufferView,
                                                             &v8::Value::IsAsyncFunction,
                                                             &v8::Value::IsBigInt64Array,
                                                             &v8::Value::IsBigUint64Array,
                                                             &v8::Value::IsBigIntObject,
                                                             &v8::Value::IsBooleanObject,
                                                             &v8::Value::IsDataView,
                                                             &v8::Value::IsDate,
                                                             &v8::Value::IsExternal,
                                                             &v8::Value::IsFloat32Array,
                                                             &v8::Value::IsFloat64Array,
                                                             &v8::Value::IsGeneratorFunction,
                                                             &v8::Value::IsGeneratorObject,
                                                             &v8::Value::IsInt8Array,
                                                             &v8::Value::IsInt16Array,
                                                             &v8::Value::IsInt32Array,
                                                             &v8::Value::IsMap,
                                                             &v8::Value::IsMapIterator,
                                                             &v8::Value::IsModuleNamespaceObject,
                                                             &v8::Value::IsNativeError,
                                                             &v8::Value::IsNumberObject,
                                                             &v8::Value::IsPromise,
                                                             &v8::Value::IsProxy,
                                                             &v8::Value::IsRegExp,
                                                             &v8::Value::IsSet,
                                                             &v8::Value::IsSetIterator,
                                                             &v8::Value::IsSharedArrayBuffer,
                                                             &v8::Value::IsStringObject,
                                                             &v8::Value::IsSymbolObject,
                                                             &v8::Value::IsTypedArray,
                                                             &v8::Value::IsUint8Array,
                                                             &v8::Value::IsUint8ClampedArray,
                                                             &v8::Value::IsUint16Array,
                                                             &v8::Value::IsUint32Array,
                                                             &v8::Value::IsWeakMap,
                                                             &v8::Value::IsWeakSet,
                                                             &v8::Value::IsWeakRef,
                                                             &v8::Value::IsFunction,
                                                             &v8::Value::IsObject};

/// typeIs(index, value) -> boolean
void typeIs(const Info& info) noexcept {
  if (!info[0]->IsUint32() || info[0].As<v8::Uint32>()->Value() >= kTypes.size()) {
    return throwTypeError(info.GetIsolate(), "typeIs: no such type");
  }
  const auto is = kTypes[info[0].As<v8::Uint32>()->Value()];
  info.GetReturnValue().Set(((*info[1])->*is)());
}

constexpr std::array kNatives{isolate::Native{"bufferToString", &bufferToString},
                              isolate::Native{"bufferOfString", &bufferOfString},
                              isolate::Native{"bufferWrite", &bufferWrite},
                              isolate::Native{"utf8Length", &utf8Length},
                              isolate::Native{"bufferIndexOf", &bufferIndexOf},
                              isolate::Native{"bytesAreUtf8", &bytesAreUtf8},
                              isolate::Native{"bytesAreAscii", &bytesAreAscii},
                              isolate::Native{"typeIs", &typeIs}};

}  // namespace

std::span<const isolate::Native> nodeBufferNatives() { return kNatives; }

}  // namespace atolld::webapi
