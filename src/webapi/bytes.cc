#include "webapi/bytes.h"

#include <simdutf.h>

#include <cstring>
#include <memory>
#include <span>

#include "webapi/long_text.h"
#include "webapi/natives.h"

namespace atolld::webapi {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

const std::uint8_t* unsignedChars(std::string_view text) {
  return reinterpret_cast<const std::uint8_t*>(text.data());
}

std::uint8_t* unsignedChars(std::string& text) {
  return reinterpret_cast<std::uint8_t*>(text.data());
}

v8::MaybeLocal<v8::String> tooLong(v8::Isolate* isolate) {
  throwRangeError(isolate, "The text is longer than a string can be");
  return {};
}

bool fitsString(std::string_view text) {
  return text.size() <= static_cast<std::size_t>(v8::String::kMaxLength);
}

/// Room for vector instructions to write past the end.
constexpr std::size_t kSlack = 64;

/// Valid UTF-8 that is not all ASCII. Empty, without an exception: there is no room, or it is not
/// valid.
v8::MaybeLocal<v8::String> longStringOfUtf8(v8::Isolate* isolate, std::string_view utf8) {
  const std::size_t chars = simdutf::latin1_length_from_utf8(utf8.data(), utf8.size()) + kSlack;
  if (auto text = LongLatin1::make(isolate, chars)) {
    if (const std::size_t size = simdutf::convert_utf8_to_latin1(
            utf8.data(), utf8.size(), reinterpret_cast<char*>(text->chars()))) {
      return LongLatin1::toString(isolate, std::move(text), size);
    }
  }
  if (!simdutf::validate_utf8(utf8.data(), utf8.size())) return {};
  const std::size_t units = simdutf::utf16_length_from_utf8(utf8.data(), utf8.size());
  auto text = LongUtf16::make(isolate, units + kSlack);
  if (text == nullptr) return {};
  const std::size_t size = simdutf::convert_valid_utf8_to_utf16(
      utf8.data(), utf8.size(), reinterpret_cast<char16_t*>(text->chars()));
  return LongUtf16::toString(isolate, std::move(text), size);
}

}  // namespace

v8::Local<v8::String> internalized(v8::Isolate* isolate, std::string_view ascii) {
  v8::Local<v8::String> text;
  if (!v8::String::NewFromOneByte(isolate, unsignedChars(ascii), v8::NewStringType::kInternalized,
                                  static_cast<int>(ascii.size()))
           .ToLocal(&text)) {
    return v8::String::Empty(isolate);
  }
  return text;
}

std::string utf8Of(v8::Isolate* isolate, v8::Local<v8::String> text) {
  const auto length = static_cast<std::uint32_t>(text->Length());
  std::string out;
  if (text->IsOneByte()) {
    out.resize_and_overwrite(length, [&](char* data, std::size_t size) {
      text->WriteOneByteV2(isolate, 0, length, reinterpret_cast<std::uint8_t*>(data));
      return size;
    });
    if (simdutf::validate_ascii(out.data(), out.size())) return out;
    std::string wide(simdutf::utf8_length_from_latin1(out.data(), out.size()), '\0');
    wide.resize(simdutf::convert_latin1_to_utf8(out.data(), out.size(), wide.data()));
    return wide;
  }
  out.resize(text->Utf8LengthV2(isolate));
  out.resize(text->WriteUtf8V2(isolate, out.data(), out.size(),
                               v8::String::WriteFlags::kReplaceInvalidUtf8));
  return out;
}

std::optional<std::string> latin1Of(v8::Isolate* isolate, v8::Local<v8::String> text) {
  if (!text->IsOneByte() && !text->ContainsOnlyOneByte()) return std::nullopt;
  std::string out(static_cast<std::size_t>(text->Length()), '\0');
  text->WriteOneByteV2(isolate, 0, static_cast<std::uint32_t>(out.size()), unsignedChars(out));
  return out;
}

v8::MaybeLocal<v8::String> stringOfUtf8(v8::Isolate* isolate, std::string_view utf8) {
  if (simdutf::validate_ascii(utf8.data(), utf8.size())) return stringOfLatin1(isolate, utf8);
  if (!fitsString(utf8)) return tooLong(isolate);
  v8::Local<v8::String> text;
  if (utf8.size() >= kLongTextChars && longStringOfUtf8(isolate, utf8).ToLocal(&text)) return text;
  // V8's own decoder takes 1.6 ms for a megabyte of valid text, simdutf a tenth of it. Only what is
  // malformed is left to V8, which knows where the U+FFFD go.
  const auto latin1 = std::make_unique_for_overwrite<char[]>(utf8.size());
  if (const std::size_t size =
          simdutf::convert_utf8_to_latin1(utf8.data(), utf8.size(), latin1.get())) {
    return stringOfLatin1(isolate, {latin1.get(), size});
  }
  const auto utf16 = std::make_unique_for_overwrite<char16_t[]>(utf8.size());
  if (const std::size_t size =
          simdutf::convert_utf8_to_utf16(utf8.data(), utf8.size(), utf16.get())) {
    if (!v8::String::NewFromTwoByte(isolate, reinterpret_cast<const std::uint16_t*>(utf16.get()),
                                    v8::NewStringType::kNormal, static_cast<int>(size))
             .ToLocal(&text)) {
      return tooLong(isolate);
    }
    return text;
  }
  if (!v8::String::NewFromUtf8(isolate, utf8.data(), v8::NewStringType::kNormal,
                               static_cast<int>(utf8.size()))
           .ToLocal(&text)) {
    return tooLong(isolate);
  }
  return text;
}

v8::MaybeLocal<v8::String> stringOfLatin1(v8::Isolate* isolate, std::string_view latin1) {
  if (!fitsString(latin1)) return tooLong(isolate);
  if (latin1.size() >= kLongTextChars) {
    if (auto text = LongLatin1::make(isolate, latin1.size())) {
      std::memcpy(text->chars(), latin1.data(), latin1.size());
      return LongLatin1::toString(isolate, std::move(text), latin1.size());
    }
  }
  v8::Local<v8::String> text;
  if (!v8::String::NewFromOneByte(isolate, unsignedChars(latin1), v8::NewStringType::kNormal,
                                  static_cast<int>(latin1.size()))
           .ToLocal(&text)) {
    return tooLong(isolate);
  }
  return text;
}

v8::MaybeLocal<v8::Uint8Array> uint8ArrayOf(v8::Isolate* isolate, std::string_view bytes) {
  v8::Local<v8::ArrayBuffer> buffer;
  if (bytes.size() > v8::Uint8Array::kMaxLength ||
      !v8::ArrayBuffer::MaybeNew(isolate, bytes.size(),
                                 v8::BackingStoreInitializationMode::kUninitialized)
           .ToLocal(&buffer)) {
    throwRangeError(isolate, "Array buffer allocation failed");
    return {};
  }
  if (!bytes.empty()) std::memcpy(buffer->Data(), bytes.data(), bytes.size());
  return v8::Uint8Array::New(buffer, 0, bytes.size());
}

BufferView::BufferView(v8::Local<v8::Value> value) {
  if (value->IsArrayBufferView()) {
    const auto contents =
        value.As<v8::ArrayBufferView>()->GetContents({onHeap_.data(), onHeap_.size()});
    bytes_ = {reinterpret_cast<const char*>(contents.data()), contents.size()};
    ok_ = true;
  } else if (value->IsArrayBuffer()) {
    const auto buffer = value.As<v8::ArrayBuffer>();
    bytes_ = {static_cast<const char*>(buffer->Data()), buffer->ByteLength()};
    ok_ = true;
  }
}

v8::MaybeLocal<v8::Value> takeAs(v8::Local<v8::Context> context, std::string_view bytes,
                                 Take take) {
  v8::Isolate* const isolate = v8::Isolate::GetCurrent();
  v8::EscapableHandleScope scope(isolate);
  if (take == Take::Bytes || take == Take::Buffer) {
    v8::Local<v8::Uint8Array> array;
    if (!uint8ArrayOf(isolate, bytes).ToLocal(&array)) return {};
    if (take == Take::Bytes) return scope.Escape(array.As<v8::Value>());
    return scope.Escape(array->Buffer().As<v8::Value>());
  }
  if (bytes.starts_with(kByteOrderMark)) bytes.remove_prefix(kByteOrderMark.size());
  v8::Local<v8::String> text;
  if (!stringOfUtf8(isolate, bytes).ToLocal(&text)) return {};
  if (take == Take::Text) return scope.Escape(text.As<v8::Value>());
  return scope.EscapeMaybe(v8::JSON::Parse(context, text));
}

void throwRangeError(v8::Isolate* isolate, std::string_view ascii) {
  isolate->ThrowException(v8::Exception::RangeError(internalized(isolate, ascii)));
}

void throwTypeError(v8::Isolate* isolate, std::string_view ascii) {
  isolate->ThrowException(v8::Exception::TypeError(internalized(isolate, ascii)));
}

namespace {

/// textToBytes(string) -> Uint8Array
void textToBytes(const v8::FunctionCallbackInfo<v8::Value>& info) noexcept {
  if (!info[0]->IsString()) return throwTypeError(info.GetIsolate(), "textToBytes: no string");
  v8::Local<v8::Uint8Array> array;
  const std::string utf8 = utf8Of(info.GetIsolate(), info[0].As<v8::String>());
  if (uint8ArrayOf(info.GetIsolate(), utf8).ToLocal(&array)) info.GetReturnValue().Set(array);
}

/// bytesToText(view) -> string, without a byte order mark
void bytesToText(const v8::FunctionCallbackInfo<v8::Value>& info) noexcept {
  const BufferView view(info[0]);
  if (!view.ok()) return throwTypeError(info.GetIsolate(), "bytesToText: no bytes");
  v8::Local<v8::Value> text;
  if (takeAs(info.GetIsolate()->GetCurrentContext(), view.bytes(), Take::Text).ToLocal(&text)) {
    info.GetReturnValue().Set(text);
  }
}

/// copyBytes(view or buffer) -> Uint8Array
void copyBytes(const v8::FunctionCallbackInfo<v8::Value>& info) noexcept {
  const BufferView view(info[0]);
  if (!view.ok()) return throwTypeError(info.GetIsolate(), "copyBytes: no bytes");
  v8::Local<v8::Uint8Array> array;
  if (uint8ArrayOf(info.GetIsolate(), view.bytes()).ToLocal(&array)) {
    info.GetReturnValue().Set(array);
  }
}

/// viewBytes(view or buffer) -> Uint8Array of the same memory; undefined for anything else
void viewBytes(const v8::FunctionCallbackInfo<v8::Value>& info) noexcept {
  if (info[0]->IsUint8Array()) {
    info.GetReturnValue().Set(info[0]);
  } else if (info[0]->IsArrayBufferView()) {
    const auto view = info[0].As<v8::ArrayBufferView>();
    const auto buffer = view->Buffer();
    info.GetReturnValue().Set(v8::Uint8Array::New(buffer, view->ByteOffset(), view->ByteLength()));
  } else if (info[0]->IsArrayBuffer()) {
    const auto buffer = info[0].As<v8::ArrayBuffer>();
    info.GetReturnValue().Set(v8::Uint8Array::New(buffer, 0, buffer->ByteLength()));
  }
}

constexpr std::array kNatives{
    isolate::Native{"textToBytes", &textToBytes}, isolate::Native{"bytesToText", &bytesToText},
    isolate::Native{"copyBytes", &copyBytes}, isolate::Native{"viewBytes", &viewBytes}};

}  // namespace

std::span<const isolate::Native> bytesNatives() { return kNatives; }

}  // namespace atolld::webapi
