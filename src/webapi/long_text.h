#pragma once

#include <v8.h>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <type_traits>
#include <utility>

namespace atolld::webapi {

/// From so many characters on, a string is better made as a LongText: V8 maps memory for each large
/// object of its heap and gives it back, which costs a page fault for every 4 KB of text.
inline constexpr std::size_t kLongTextChars = 64 * 1024;

/// The characters of a string that V8 refers to and does not copy; part of the memory that the
/// isolate may have for buffers. `Char` is std::uint8_t (Latin-1) or std::uint16_t (UTF-16).
template <class Char>
  requires std::same_as<Char, std::uint8_t> || std::same_as<Char, std::uint16_t>
class LongText final
    : public std::conditional_t<sizeof(Char) == 1, v8::String::ExternalOneByteStringResource,
                                v8::String::ExternalStringResource> {
 public:
  /// Uninitialized. May collect garbage. Null: the isolate has no room for it.
  static std::unique_ptr<LongText> make(v8::Isolate* isolate, std::size_t capacity);

  Char* chars() noexcept { return static_cast<Char*>(store_->Data()); }
  /// The string of the first `length` characters. Empty, with an exception: it is too long.
  static v8::MaybeLocal<v8::String> toString(v8::Isolate* isolate, std::unique_ptr<LongText> text,
                                             std::size_t length);

  // What V8 asks for. Latin-1 counts as plain characters there.
  using Unit = std::conditional_t<sizeof(Char) == 1, char, std::uint16_t>;
  const Unit* data() const override { return static_cast<const Unit*>(store_->Data()); }
  std::size_t length() const override { return length_; }

 private:
  explicit LongText(std::unique_ptr<v8::BackingStore> store) : store_(std::move(store)) {}

  // Made like an ArrayBuffer's, for V8's sense of when there is garbage to collect.
  const std::unique_ptr<v8::BackingStore> store_;
  std::size_t length_ = 0;
};

using LongLatin1 = LongText<std::uint8_t>;
using LongUtf16 = LongText<std::uint16_t>;

}  // namespace atolld::webapi
