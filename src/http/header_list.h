#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace atolld::http {

/// Header or trailer fields in the order received; names are lower-case always. All text lives in
/// one buffer, so a list costs two allocations however long it is, none when reused after clear().
/// Holds what it is given: names and values are checked where they enter (codec or webapi).
class HeaderList {
 public:
  struct Field {
    std::string_view name;  // Both borrowed from the list: valid until it next changes.
    std::string_view value;
  };

  /// Lower-cases the name.
  void add(std::string_view name, std::string_view value);
  /// Replaces every field of that name by one.
  void set(std::string_view name, std::string_view value);
  /// Removes every field of that (lower-case) name; says whether there was one.
  bool remove(std::string_view lowerName);
  /// Removes every field for which `unwanted(field)` is true. Their text stays until clear().
  template <class Predicate>
  void removeIf(Predicate unwanted) {
    std::erase_if(entries_, [&](const Entry& entry) { return unwanted(fieldOf(entry)); });
  }
  void clear() noexcept;
  /// Room for that many bytes of names and values, and that many fields, in one allocation each.
  void reserve(std::size_t textBytes, std::size_t count);

  /// The first value of that (lower-case) name.
  std::optional<std::string_view> find(std::string_view lowerName) const noexcept;

  std::size_t size() const noexcept { return entries_.size(); }
  bool empty() const noexcept { return entries_.empty(); }
  Field operator[](std::size_t i) const noexcept { return fieldOf(entries_[i]); }

  class Iterator {
   public:
    using value_type = Field;
    using difference_type = std::ptrdiff_t;
    using iterator_concept = std::forward_iterator_tag;

    Iterator() = default;
    Iterator(const HeaderList& list, std::size_t i) : list_(&list), i_(i) {}
    Field operator*() const noexcept { return (*list_)[i_]; }
    Iterator& operator++() noexcept {
      ++i_;
      return *this;
    }
    Iterator operator++(int) noexcept { return {*list_, i_++}; }
    bool operator==(const Iterator&) const = default;

   private:
    const HeaderList* list_ = nullptr;
    std::size_t i_ = 0;
  };
  Iterator begin() const noexcept { return {*this, 0}; }
  Iterator end() const noexcept { return {*this, entries_.size()}; }

 private:
  struct Entry {
    std::uint32_t offset;
    std::uint32_t nameSize;
    std::uint32_t valueSize;
  };
  Field fieldOf(const Entry& entry) const noexcept {
    const char* const name = text_.data() + entry.offset;
    return {{name, entry.nameSize}, {name + entry.nameSize, entry.valueSize}};
  }
  std::string text_;
  std::vector<Entry> entries_;
};

}  // namespace atolld::http
