#include "webapi/long_text.h"

#include "base/check.h"
#include "webapi/bytes.h"

namespace atolld::webapi {

template <class Char>
  requires std::same_as<Char, std::uint8_t> || std::same_as<Char, std::uint16_t>
std::unique_ptr<LongText<Char>> LongText<Char>::make(v8::Isolate* isolate, std::size_t capacity) {
  auto store = v8::ArrayBuffer::NewBackingStore(isolate, capacity * sizeof(Char),
                                                v8::BackingStoreInitializationMode::kUninitialized,
                                                v8::BackingStoreOnFailureMode::kReturnNull);
  if (store == nullptr) return nullptr;
  return std::unique_ptr<LongText>(new LongText(std::move(store)));
}

template <class Char>
  requires std::same_as<Char, std::uint8_t> || std::same_as<Char, std::uint16_t>
v8::MaybeLocal<v8::String> LongText<Char>::toString(v8::Isolate* isolate,
                                                    std::unique_ptr<LongText> text,
                                                    std::size_t length) {
  ATOLL_CHECK(length > 0 && length <= text->store_->ByteLength() / sizeof(Char));
  text->length_ = length;
  v8::MaybeLocal<v8::String> made;
  if constexpr (sizeof(Char) == 1) {
    made = v8::String::NewExternalOneByte(isolate, text.get());
  } else {
    made = v8::String::NewExternalTwoByte(isolate, text.get());
  }
  if (made.IsEmpty()) {
    throwRangeError(isolate, "The text is longer than a string can be");
  } else {
    text.release();  // The string's now: V8 disposes of it.
  }
  return made;
}

template class LongText<std::uint8_t>;
template class LongText<std::uint16_t>;

}  // namespace atolld::webapi
