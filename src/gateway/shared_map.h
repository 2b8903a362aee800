#pragma once

#include <array>
#include <bitset>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

namespace atolld::gateway {

/// A map by text whose copies share what none of them has changed since: a change copies one of
/// `kPartCount` parts. Copies may be read by any number of threads while others are changed.
template <class Value>
class SharedMap {
 public:
  static constexpr std::size_t kPartCount = 256;

  SharedMap() = default;
  SharedMap(const SharedMap& other) : parts_(other.parts_), size_(other.size_) {}
  SharedMap& operator=(const SharedMap&) = delete;

  bool empty() const noexcept { return size_ == 0; }
  std::size_t size() const noexcept { return size_; }

  /// Null if it is not there. Allocates nothing.
  const Value* find(std::string_view text) const noexcept {
    const Key key(text);
    const std::shared_ptr<Part>& part = parts_[key.part()];
    if (part == nullptr) return nullptr;
    const auto found = part->find(key);
    return found == part->end() ? nullptr : &found->second;
  }

  /// The value to change, made where there is none. Valid until the next erase().
  Value& edit(std::string_view text) {
    const Key key(text);
    Part& part = ownPart(key.part());
    const auto found = part.find(key);
    if (found != part.end()) return found->second;
    ++size_;
    return part.emplace(std::string(text), Value()).first->second;
  }

  void erase(std::string_view text) {
    if (find(text) == nullptr) return;
    const Key key(text);
    Part& part = ownPart(key.part());
    part.erase(part.find(key));
    --size_;
  }

 private:
  /// Hashed once for both: which part, and where in it.
  struct Key {
    explicit Key(std::string_view keyText)
        : text(keyText), hash(std::hash<std::string_view>{}(keyText)) {}
    std::size_t part() const noexcept { return hash >> 56; }
    std::string_view text;
    std::size_t hash;
  };
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(const Key& key) const noexcept { return key.hash; }
    std::size_t operator()(std::string_view text) const noexcept {
      return std::hash<std::string_view>{}(text);
    }
  };
  struct Equal {
    using is_transparent = void;
    bool operator()(std::string_view a, std::string_view b) const noexcept { return a == b; }
    bool operator()(const Key& a, std::string_view b) const noexcept { return a.text == b; }
    bool operator()(std::string_view a, const Key& b) const noexcept { return a == b.text; }
  };
  using Part = std::unordered_map<std::string, Value, Hash, Equal>;

  Part& ownPart(std::size_t index) {
    std::shared_ptr<Part>& part = parts_[index];
    if (!own_[index]) part = part ? std::make_shared<Part>(*part) : std::make_shared<Part>();
    own_.set(index);
    return *part;
  }

  std::array<std::shared_ptr<Part>, kPartCount> parts_;
  std::bitset<kPartCount> own_;  ///< Parts that no copy shares: none of a copy's, at first.
  std::size_t size_ = 0;
};

}  // namespace atolld::gateway
