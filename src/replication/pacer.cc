#include "replication/pacer.h"

#include <algorithm>

namespace atolld::replication {

std::uint64_t sentToAll(std::span<const StreamPlace> streams, std::uint64_t head) {
  std::uint64_t sent = head;
  for (const StreamPlace& stream : streams) {
    if (stream.next + kKeepsUpEntries > head) sent = std::min(sent, stream.next - 1);
  }
  return sent;
}

void Pacer::onSent(std::uint64_t index) {
  const std::scoped_lock lock(mutex_);
  if (index == sent_) return;
  sent_ = index;
  moved_.notify_all();
}

void Pacer::wait(std::uint64_t index, std::chrono::milliseconds atMost) {
  std::unique_lock lock(mutex_);
  moved_.wait_for(lock, atMost, [&] { return isClosed_ || sent_ >= index; });
}

void Pacer::close() {
  const std::scoped_lock lock(mutex_);
  isClosed_ = true;
  moved_.notify_all();
}

}  // namespace atolld::replication
