#include "http/output_queue.h"

#include <utility>

#include "base/check.h"

namespace atolld::http {
namespace {

constexpr std::size_t kSpareBytesMax = 64 * 1024;
constexpr std::size_t kCompactPieces = 64;

}  // namespace

std::uint64_t OutputQueue::appended() const noexcept {
  const bool open = first_ < pieces_.size() && !pieces_.back().isShared;
  return sealed_ + (open ? pieces_.back().text.size() : 0);
}

std::string& OutputQueue::buffer() {
  const bool open = first_ < pieces_.size() && !pieces_.back().isShared;
  // A queue that is never quite empty must not keep what it has sent: buffers stay small.
  if (!open || pieces_.back().text.size() >= kSpareBytesMax) {
    sealed_ = appended();
    Piece& piece = pieces_.emplace_back();
    piece.text = std::exchange(spare_, {});
    piece.text.clear();
  }
  return pieces_.back().text;
}

void OutputQueue::append(Bytes bytes) {
  if (bytes.empty()) return;
  if (bytes.size() < kShareBytesMin) {
    append(bytes.view());
    return;
  }
  sealed_ = appended() + bytes.size();
  pieces_.push_back({.text = {}, .shared = std::move(bytes), .isShared = true});
}

std::size_t OutputQueue::fill(std::span<std::string_view> slices) const {
  std::size_t count = 0;
  std::size_t offset = frontOffset_;
  for (std::size_t i = first_; i < pieces_.size() && count < slices.size(); ++i) {
    const std::string_view view = pieces_[i].view().substr(offset);
    offset = 0;
    if (!view.empty()) slices[count++] = view;
  }
  return count;
}

void OutputQueue::consume(std::size_t bytes) {
  ATOLL_CHECK(bytes <= size());
  consumed_ += bytes;
  while (first_ < pieces_.size()) {
    const std::size_t left = pieces_[first_].view().size() - frontOffset_;
    if (bytes < left) {
      frontOffset_ += bytes;
      return;
    }
    bytes -= left;
    popFront();
  }
}

void OutputQueue::popFront() {
  Piece& piece = pieces_[first_];
  if (!piece.isShared) {
    // Only the last piece is open; a buffer before it was sealed when the next piece came.
    if (first_ + 1 == pieces_.size()) sealed_ += piece.text.size();
    if (piece.text.capacity() <= kSpareBytesMax) spare_ = std::move(piece.text);
  }
  piece = {};
  ++first_;
  frontOffset_ = 0;
  if (first_ == pieces_.size()) {
    pieces_.clear();
    first_ = 0;
  } else if (first_ == kCompactPieces) {
    pieces_.erase(pieces_.begin(), pieces_.begin() + static_cast<std::ptrdiff_t>(first_));
    first_ = 0;
  }
}

}  // namespace atolld::http
