#pragma once

#include <cstddef>
#include <functional>
#include <list>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace atolld::isolate {

/// Values by key up to a total size; the least recently used go first. Any thread.
template <class Value>
class BoundedCache {
 public:
  explicit BoundedCache(std::size_t bytesMax) : bytesMax_(bytesMax) {}

  /// A copy: Value is something shared.
  std::optional<Value> find(std::string_view key) {
    const std::scoped_lock lock(mutex_);
    const auto it = byKey_.find(key);
    if (it == byKey_.end()) return std::nullopt;
    entries_.splice(entries_.begin(), entries_, it->second);
    return it->second->value;
  }

  /// Replaces what is there. A value larger than everything together may be is not kept.
  void put(std::string key, Value value, std::size_t bytes) {
    const std::scoped_lock lock(mutex_);
    eraseLocked(key);
    if (bytes > bytesMax_) return;
    while (bytes_ > bytesMax_ - bytes) eraseLocked(std::string(entries_.back().key));
    entries_.push_front({std::move(key), std::move(value), bytes});
    byKey_.emplace(entries_.front().key, entries_.begin());
    bytes_ += bytes;
  }

  void erase(std::string_view key) {
    const std::scoped_lock lock(mutex_);
    eraseLocked(key);
  }

  std::size_t bytes() const {
    const std::scoped_lock lock(mutex_);
    return bytes_;
  }

 private:
  struct Entry {
    std::string key;
    Value value;
    std::size_t bytes;
  };

  void eraseLocked(std::string_view key) {
    const auto it = byKey_.find(key);
    if (it == byKey_.end()) return;
    const auto entry = it->second;
    bytes_ -= entry->bytes;
    byKey_.erase(it);  // Before the entry: the key is in it.
    entries_.erase(entry);
  }

  const std::size_t bytesMax_;
  mutable std::mutex mutex_;
  std::list<Entry> entries_;  // Most recently used first.
  std::unordered_map<std::string_view, typename std::list<Entry>::iterator> byKey_;
  std::size_t bytes_ = 0;
};

}  // namespace atolld::isolate
