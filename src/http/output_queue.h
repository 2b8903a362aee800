#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"

namespace atolld::http {

/// Bytes on their way to a transport: small pieces are copied together into one buffer, so that a
/// head and its body leave in one write; large ones are kept as they are, without a copy.
class OutputQueue {
 public:
  /// From this size on a piece is shared instead of copied.
  static constexpr std::size_t kShareBytesMin = 4 * 1024;

  void append(std::string_view text) { buffer().append(text); }
  void append(Bytes bytes);
  /// The buffer at the end of the queue, to write into directly; valid until the next call.
  std::string& buffer();

  bool empty() const noexcept { return size() == 0; }
  /// Bytes waiting.
  std::size_t size() const noexcept { return static_cast<std::size_t>(appended() - consumed_); }
  /// Bytes ever appended: the position at which the next one will stand.
  std::uint64_t appended() const noexcept;
  /// Bytes ever consumed.
  std::uint64_t consumed() const noexcept { return consumed_; }

  /// The first pieces, as many as fit; returns how many. Valid until the next call.
  std::size_t fill(std::span<std::string_view> slices) const;
  void consume(std::size_t bytes);

 private:
  struct Piece {
    std::string text;
    Bytes shared;
    bool isShared = false;
    std::string_view view() const { return isShared ? shared.view() : std::string_view(text); }
  };
  void popFront();

  std::vector<Piece> pieces_;
  std::size_t first_ = 0;        // The piece at the front of the queue.
  std::size_t frontOffset_ = 0;  // Bytes of it that are consumed already.
  std::uint64_t sealed_ = 0;     // Bytes ever appended, without those of an open last buffer.
  std::uint64_t consumed_ = 0;
  std::string spare_;  // A used buffer, kept for its memory.
};

}  // namespace atolld::http
