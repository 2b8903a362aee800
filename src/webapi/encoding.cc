// The bytes behind TextEncoder and TextDecoder (isolates/web/encoding.js).
// https://encoding.spec.whatwg.org/

#include <simdutf.h>

#include <bit>
#include <vector>

#include "webapi/bytes.h"
#include "webapi/long_text.h"
#include "webapi/natives.h"

namespace atolld::webapi {
namespace {

constexpr std::string_view kUtf8Mark = "\xEF\xBB\xBF";
constexpr char16_t kUtf16Mark = 0xFEFF;
constexpr char16_t kReplacement = 0xFFFD;

static_assert(std::endian::native == std::endian::little);

void giveText(const v8::FunctionCallbackInfo<v8::Value>& info, v8::MaybeLocal<v8::String> text) {
  v8::Local<v8::String> value;
  if (text.ToLocal(&value)) info.GetReturnValue().Set(value);
}

v8::MaybeLocal<v8::String> stringOfUtf16(v8::Isolate* isolate, std::span<const char16_t> units) {
  if (units.size() >= kLongTextChars &&
      units.size() <= static_cast<std::size_t>(v8::String::kMaxLength)) {
    if (auto text = LongUtf16::make(isolate, units.size())) {
      std::memcpy(text->chars(), units.data(), units.size_bytes());
      return LongUtf16::toString(isolate, std::move(text), units.size());
    }
  }
  v8::Local<v8::String> text;
  if (units.size() > static_cast<std::size_t>(v8::String::kMaxLength) ||
      !v8::String::NewFromTwoByte(isolate, reinterpret_cast<const std::uint16_t*>(units.data()),
                                  v8::NewStringType::kNormal, static_cast<int>(units.size()))
           .ToLocal(&text)) {
    throwRangeError(isolate, "The text is longer than a string can be");
    return {};
  }
  return text;
}

/// encodeInto(string, Uint8Array) -> [code units read, bytes written]
void encodeInto(const v8::FunctionCallbackInfo<v8::Value>& info) noexcept {
  v8::Isolate* const isolate = info.GetIsolate();
  if (!info[0]->IsString() || !info[1]->IsUint8Array()) {
    return throwTypeError(isolate, "encodeInto: wants a string and a Uint8Array");
  }
  const auto text = info[0].As<v8::String>();
  const auto array = info[1].As<v8::Uint8Array>();
  const std::size_t capacity = array->ByteLength();
  std::size_t read = 0, written = 0;
  if (capacity > 0) {
    char* const target = static_cast<char*>(array->Buffer()->Data()) + array->ByteOffset();
    written = text->WriteUtf8V2(isolate, target, capacity,
                                v8::String::WriteFlags::kReplaceInvalidUtf8, &read);
  }
  std::array<v8::Local<v8::Value>, 2> counts{
      v8::Number::New(isolate, static_cast<double>(read)),
      v8::Number::New(isolate, static_cast<double>(written))};
  info.GetReturnValue().Set(v8::Array::New(isolate, counts.data(), counts.size()));
}

/// decodeUtf8(bytes, fatal, keepMark) -> string; undefined if fatal and malformed
void decodeUtf8(const v8::FunctionCallbackInfo<v8::Value>& info) noexcept {
  v8::Isolate* const isolate = info.GetIsolate();
  const BufferView view(info[0]);
  if (!view.ok()) return throwTypeError(isolate, "decodeUtf8: no bytes");
  std::string_view bytes = view.bytes();
  if (!info[2]->IsTrue() && bytes.starts_with(kUtf8Mark)) bytes.remove_prefix(kUtf8Mark.size());
  if (info[1]->IsTrue() && !simdutf::validate_utf8(bytes.data(), bytes.size())) return;
  giveText(info, stringOfUtf8(isolate, bytes));
}

/// The code units of `bytes`, byte order mark included; an odd byte at the end is not in them.
std::vector<char16_t> unitsOf(std::string_view bytes, bool bigEndian) {
  std::vector<char16_t> units(bytes.size() / 2);
  if (!units.empty()) std::memcpy(units.data(), bytes.data(), units.size() * 2);
  if (bigEndian) simdutf::change_endianness_utf16(units.data(), units.size(), units.data());
  return units;
}

bool isLead(char16_t unit) { return unit >= 0xD800 && unit <= 0xDBFF; }

/// decodeUtf16(bytes, fatal, keepMark, bigEndian) -> string; undefined if fatal and malformed
void decodeUtf16(const v8::FunctionCallbackInfo<v8::Value>& info) noexcept {
  v8::Isolate* const isolate = info.GetIsolate();
  const BufferView view(info[0]);
  if (!view.ok()) return throwTypeError(isolate, "decodeUtf16: no bytes");
  const std::string_view bytes = view.bytes();
  std::vector<char16_t> units = unitsOf(bytes, info[3]->IsTrue());
  const bool odd = bytes.size() % 2 != 0;
  if (info[1]->IsTrue()) {
    if (odd || !simdutf::validate_utf16(units.data(), units.size())) return;
  } else {
    // An unfinished pair and an unfinished unit after it are one error.
    if (odd && (units.empty() || !isLead(units.back()))) units.push_back(kReplacement);
    simdutf::to_well_formed_utf16(units.data(), units.size(), units.data());
  }
  std::span<const char16_t> rest(units);
  if (!info[2]->IsTrue() && !rest.empty() && rest[0] == kUtf16Mark) rest = rest.subspan(1);
  giveText(info, stringOfUtf16(isolate, rest));
}

/// decodeSingleByte(bytes, table, fatal) -> string; undefined if fatal and a byte means nothing.
/// `table` is a string of what 0x80 to 0xFF stand for.
void decodeSingleByte(const v8::FunctionCallbackInfo<v8::Value>& info) noexcept {
  v8::Isolate* const isolate = info.GetIsolate();
  const BufferView view(info[0]);
  std::array<std::uint16_t, 128> table;
  if (!view.ok() || !info[1]->IsString() || info[1].As<v8::String>()->Length() != 128) {
    return throwTypeError(isolate, "decodeSingleByte: wants bytes and a table");
  }
  const std::string_view bytes = view.bytes();
  if (simdutf::validate_ascii(bytes.data(), bytes.size())) {
    return giveText(info, stringOfLatin1(isolate, bytes));
  }
  info[1].As<v8::String>()->WriteV2(isolate, 0, 128, table.data());
  std::vector<char16_t> units(bytes.size());
  bool malformed = false;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const auto byte = static_cast<unsigned char>(bytes[i]);
    const char16_t unit = byte < 0x80 ? byte : table[byte - 0x80u];
    malformed |= unit == kReplacement;
    units[i] = unit;
  }
  if (malformed && info[2]->IsTrue()) return;
  giveText(info, stringOfUtf16(isolate, units));
}

/// How many bytes at the end are the beginning of a UTF-8 sequence that more bytes could complete.
std::size_t utf8Tail(std::string_view bytes) {
  const std::size_t most = std::min<std::size_t>(3, bytes.size());
  for (std::size_t count = 1; count <= most; ++count) {
    const auto byte = static_cast<unsigned char>(bytes[bytes.size() - count]);
    if (byte < 0x80) return 0;
    if (byte < 0xC0) continue;
    const std::size_t length = byte >= 0xF5   ? 0
                               : byte >= 0xF0 ? 4
                               : byte >= 0xE0 ? 3
                               : byte >= 0xC2 ? 2
                                              : 0;
    if (count >= length) return 0;
    // The second byte's range depends on the first (no surrogates, nothing overlong).
    if (count >= 2) {
      const auto second = static_cast<unsigned char>(bytes[bytes.size() - count + 1]);
      if ((byte == 0xE0 && second < 0xA0) || (byte == 0xED && second > 0x9F) ||
          (byte == 0xF0 && second < 0x90) || (byte == 0xF4 && second > 0x8F)) {
        return 0;
      }
    }
    return count;
  }
  return 0;
}

std::size_t utf16Tail(std::string_view bytes, bool bigEndian) {
  const std::size_t odd = bytes.size() % 2;
  if (bytes.size() < 2) return odd;
  const std::string_view last = bytes.substr(bytes.size() - odd - 2, 2);
  const auto high = static_cast<unsigned char>(last[bigEndian ? 0 : 1]);
  return odd + (high >= 0xD8 && high <= 0xDB ? 2 : 0);
}

/// incompleteTail(bytes, encoding) -> number of bytes at the end to keep for the next piece
void incompleteTail(const v8::FunctionCallbackInfo<v8::Value>& info) noexcept {
  v8::Isolate* const isolate = info.GetIsolate();
  const BufferView view(info[0]);
  if (!view.ok() || !info[1]->IsString()) {
    return throwTypeError(isolate, "incompleteTail: wants bytes and a name");
  }
  const std::string encoding = utf8Of(isolate, info[1].As<v8::String>());
  const std::size_t tail = encoding == "utf-8" ? utf8Tail(view.bytes())
                                               : utf16Tail(view.bytes(), encoding == "utf-16be");
  info.GetReturnValue().Set(static_cast<std::uint32_t>(tail));
}

constexpr std::array kNatives{isolate::Native{"encodeInto", &encodeInto},
                              isolate::Native{"decodeUtf8", &decodeUtf8},
                              isolate::Native{"decodeUtf16", &decodeUtf16},
                              isolate::Native{"decodeSingleByte", &decodeSingleByte},
                              isolate::Native{"incompleteTail", &incompleteTail}};

}  // namespace

std::span<const isolate::Native> encodingNatives() { return kNatives; }

}  // namespace atolld::webapi
