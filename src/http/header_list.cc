#include "http/header_list.h"

#include <algorithm>
#include <cstring>
#include <functional>
#include <limits>

#include "base/check.h"
#include "base/encoding.h"

namespace atolld::http {

void HeaderList::add(std::string_view name, std::string_view value) {
  const std::less<const char*> before;
  const auto within = [&](std::string_view view) {
    return !view.empty() && !before(view.data(), text_.data()) &&
           before(view.data(), text_.data() + text_.size());
  };
  if (within(name) || within(value)) {
    // Growing the buffer below would pull it away from under the arguments.
    add(std::string(name), std::string(value));
    return;
  }
  const std::size_t offset = text_.size();
  const std::size_t total = offset + name.size() + value.size();
  ATOLL_CHECK(total <= std::numeric_limits<std::uint32_t>::max());
  text_.resize_and_overwrite(total, [&](char* data, std::size_t size) noexcept {
    char* out = data + offset;
    for (const char c : name) *out++ = toLowerAscii(c);
    if (!value.empty()) std::memcpy(out, value.data(), value.size());
    return size;
  });
  entries_.push_back({static_cast<std::uint32_t>(offset), static_cast<std::uint32_t>(name.size()),
                      static_cast<std::uint32_t>(value.size())});
}

void HeaderList::set(std::string_view name, std::string_view value) {
  // Copied first: both may point into the text that is about to be rebuilt.
  const std::string lowerName = toLowerAscii(name);
  const std::string newValue(value);
  HeaderList rebuilt;
  rebuilt.reserve(text_.size() + lowerName.size() + newValue.size(), entries_.size() + 1);
  bool placed = false;
  for (const Field field : *this) {
    if (field.name != lowerName) {
      rebuilt.add(field.name, field.value);
    } else if (!placed) {
      rebuilt.add(lowerName, newValue);
      placed = true;
    }
  }
  if (!placed) rebuilt.add(lowerName, newValue);
  *this = std::move(rebuilt);
}

bool HeaderList::remove(std::string_view lowerName) {
  if (!find(lowerName)) return false;
  const std::string name(lowerName);
  HeaderList rebuilt;
  rebuilt.reserve(text_.size(), entries_.size());
  for (const Field field : *this) {
    if (field.name != name) rebuilt.add(field.name, field.value);
  }
  *this = std::move(rebuilt);
  return true;
}

void HeaderList::clear() noexcept {
  text_.clear();
  entries_.clear();
}

void HeaderList::reserve(std::size_t textBytes, std::size_t count) {
  text_.reserve(textBytes);
  entries_.reserve(count);
}

std::optional<std::string_view> HeaderList::find(std::string_view lowerName) const noexcept {
  for (const Entry& entry : entries_) {
    if (entry.nameSize != lowerName.size()) continue;
    const char* const name = text_.data() + entry.offset;
    if (std::memcmp(name, lowerName.data(), lowerName.size()) == 0) {
      return std::string_view(name + entry.nameSize, entry.valueSize);
    }
  }
  return std::nullopt;
}

}  // namespace atolld::http
