#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "base/check.h"

namespace atolld {

/// An immutable run of bytes that keeps its memory alive: cheap to move, copy and slice, safe to
/// hand to another thread. Bytes are seen as chars throughout, as HTTP and RocksDB see them.
class Bytes {
 public:
  Bytes() = default;
  /// Takes the string over.
  explicit Bytes(std::string text) {
    if (text.empty()) return;
    auto owner = std::make_shared<const std::string>(std::move(text));
    view_ = *owner;
    owner_ = std::move(owner);
  }
  /// A view into memory that `owner` keeps alive and unchanged.
  Bytes(std::string_view view, std::shared_ptr<const void> owner)
      : view_(view), owner_(std::move(owner)) {}

  static Bytes copyOf(std::string_view view) { return Bytes(std::string(view)); }
  /// For literals and other memory that outlives the process's use of it.
  static Bytes fromStatic(std::string_view view) { return Bytes(view, nullptr); }

  std::string_view view() const noexcept { return view_; }
  std::size_t size() const noexcept { return view_.size(); }
  bool empty() const noexcept { return view_.empty(); }
  std::string toString() const { return std::string(view_); }

  /// The bytes from `offset` on, `length` of them at the most; shares the memory.
  Bytes slice(std::size_t offset, std::size_t length = std::string_view::npos) const {
    ATOLL_CHECK(offset <= view_.size());
    return Bytes(view_.substr(offset, length), owner_);
  }
  /// Drops `count` bytes from the front.
  void removePrefix(std::size_t count) {
    ATOLL_CHECK(count <= view_.size());
    view_.remove_prefix(count);
  }

 private:
  std::string_view view_;
  std::shared_ptr<const void> owner_;
};

}  // namespace atolld
