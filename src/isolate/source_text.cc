#include "isolate/source_text.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

namespace atolld::isolate {
namespace {

class BytesSource final : public v8::String::ExternalOneByteStringResource {
 public:
  explicit BytesSource(Bytes bytes) : bytes_(std::move(bytes)) {}
  const char* data() const override { return bytes_.view().data(); }
  std::size_t length() const override { return bytes_.size(); }

 private:
  Bytes bytes_;
};

class WideSource final : public v8::String::ExternalStringResource {
 public:
  explicit WideSource(std::shared_ptr<const std::u16string> text) : text_(std::move(text)) {}
  const std::uint16_t* data() const override {
    return reinterpret_cast<const std::uint16_t*>(text_->data());
  }
  std::size_t length() const override { return text_->size(); }

 private:
  std::shared_ptr<const std::u16string> text_;
};

/// UTF-16 texts in use, by content hash.
struct WideTexts {
  std::mutex mutex;
  std::unordered_map<std::string, std::weak_ptr<const std::u16string>> byHash;
};

WideTexts& wideTexts() {
  static auto* const texts = new WideTexts;  // Isolates on other threads may outlive statics.
  return *texts;
}

std::shared_ptr<const std::u16string> findWide(std::string_view hash) {
  WideTexts& texts = wideTexts();
  const std::scoped_lock lock(texts.mutex);
  const auto it = texts.byHash.find(std::string(hash));
  return it == texts.byHash.end() ? nullptr : it->second.lock();
}

void shareWide(std::string_view hash, const std::shared_ptr<const std::u16string>& text) {
  WideTexts& texts = wideTexts();
  const std::scoped_lock lock(texts.mutex);
  std::erase_if(texts.byHash, [](const auto& entry) { return entry.second.expired(); });
  texts.byHash[std::string(hash)] = text;
}

template <class String, class Resource>
v8::MaybeLocal<v8::String> externalString(v8::MaybeLocal<v8::String> (*make)(v8::Isolate*, String*),
                                          v8::Isolate* isolate,
                                          std::unique_ptr<Resource> resource) {
  const v8::MaybeLocal<v8::String> text = make(isolate, resource.get());
  if (!text.IsEmpty()) resource.release();  // The string's now: V8 disposes of it.
  return text;
}

}  // namespace

v8::MaybeLocal<v8::String> sourceString(v8::Isolate* isolate, const Bytes& content,
                                        std::string_view hash) {
  const std::string_view view = content.view();
  if (view.empty()) return v8::String::Empty(isolate);
  if (view.size() > static_cast<std::size_t>(v8::String::kMaxLength)) {
    isolate->ThrowError("the module is longer than a JavaScript string can be");
    return {};
  }
  if (std::ranges::all_of(view, [](char c) { return static_cast<unsigned char>(c) < 0x80; })) {
    return externalString<v8::String::ExternalOneByteStringResource>(
        &v8::String::NewExternalOneByte, isolate, std::make_unique<BytesSource>(content));
  }
  std::shared_ptr<const std::u16string> wide = hash.empty() ? nullptr : findWide(hash);
  if (wide == nullptr) {
    v8::Local<v8::String> decoded;
    if (!v8::String::NewFromUtf8(isolate, view.data(), v8::NewStringType::kNormal,
                                 static_cast<int>(view.size()))
             .ToLocal(&decoded)) {
      return {};
    }
    auto text =
        std::make_shared<std::u16string>(static_cast<std::size_t>(decoded->Length()), u'\0');
    decoded->WriteV2(isolate, 0, static_cast<std::uint32_t>(text->size()),
                     reinterpret_cast<std::uint16_t*>(text->data()));
    wide = std::move(text);
    if (!hash.empty()) shareWide(hash, wide);
  }
  return externalString<v8::String::ExternalStringResource>(
      &v8::String::NewExternalTwoByte, isolate, std::make_unique<WideSource>(std::move(wide)));
}

}  // namespace atolld::isolate
