#pragma once

#include <v8-array-buffer.h>

#include <atomic>
#include <cstddef>

namespace atolld::isolate {

/// Memory of one isolate's ArrayBuffers, up to a quota: beyond it an allocation fails and the
/// script sees a RangeError it can catch. V8 may free from another thread.
class BufferAllocator final : public v8::ArrayBuffer::Allocator {
 public:
  explicit BufferAllocator(std::size_t quotaBytes) : quotaBytes_(quotaBytes) {}

  void* Allocate(std::size_t length) override;
  void* AllocateUninitialized(std::size_t length) override;
  void Free(void* data, std::size_t length) override;

  std::size_t usedBytes() const noexcept { return usedBytes_.load(std::memory_order_relaxed); }

 private:
  bool take(std::size_t length) noexcept;

  const std::size_t quotaBytes_;
  std::atomic<std::size_t> usedBytes_ = 0;
};

}  // namespace atolld::isolate
