#include "isolate/buffer_allocator.h"

#include <cstdlib>

namespace atolld::isolate {

bool BufferAllocator::take(std::size_t length) noexcept {
  const std::size_t before = usedBytes_.fetch_add(length, std::memory_order_relaxed);
  if (length <= quotaBytes_ && before <= quotaBytes_ - length) return true;
  usedBytes_.fetch_sub(length, std::memory_order_relaxed);
  return false;
}

void* BufferAllocator::Allocate(std::size_t length) {
  if (!take(length)) return nullptr;
  void* const data = std::calloc(length, 1);
  if (data == nullptr) usedBytes_.fetch_sub(length, std::memory_order_relaxed);
  return data;
}

void* BufferAllocator::AllocateUninitialized(std::size_t length) {
  if (!take(length)) return nullptr;
  void* const data = std::malloc(length);
  if (data == nullptr) usedBytes_.fetch_sub(length, std::memory_order_relaxed);
  return data;
}

void BufferAllocator::Free(void* data, std::size_t length) {
  std::free(data);
  usedBytes_.fetch_sub(length, std::memory_order_relaxed);
}

}  // namespace atolld::isolate
