#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <deque>
#include <mutex>
#include <optional>
#include <span>

#include "base/clock.h"

namespace atolld::tls {

/// The keys of session tickets, shared by all shards so that a client may resume on any of them.
/// Rotated by use: the newest seals, it and the two before it open, so a stolen key opens tickets
/// of three periods at most. Never stored. Any thread.
class TicketKeys {
 public:
  struct Key {
    std::array<unsigned char, 16> name{};
    std::array<unsigned char, 32> cipherKey{};
    std::array<unsigned char, 32> macKey{};

    Key() = default;
    Key(const Key&) = default;
    Key& operator=(const Key&) = default;
    ~Key();  // Wipes the secrets.
  };
  struct Found {
    Key key;
    bool newest = false;  ///< Otherwise the client should get a new ticket.
  };

  /// `clock` must outlive the keys.
  explicit TicketKeys(const Clock& clock, std::chrono::minutes period = std::chrono::hours(8));

  /// The key to seal with; nothing when the system has no randomness to make one.
  std::optional<Key> current();
  std::optional<Found> find(std::span<const unsigned char> name);
  /// How long a ticket can be opened.
  std::chrono::seconds lifetime() const { return period_ * 2; }

 private:
  static constexpr std::size_t kKeptCount = 3;

  bool rotate();  // With the mutex held.

  const Clock& clock_;
  const std::chrono::minutes period_;
  std::mutex mutex_;
  std::deque<Key> keys_;  // Newest first.
  MonotonicTime newestSince_;
};

}  // namespace atolld::tls
