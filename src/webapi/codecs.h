#pragma once

#include <v8.h>

#include <memory>
#include <mutex>
#include <unordered_set>

#include "coding/codec.h"

namespace atolld::webapi {

/// A codec's memory: counted against the quota of the isolate's buffers.
class BufferQuotaMemory final : public coding::Memory {
 public:
  explicit BufferQuotaMemory(v8::ArrayBuffer::Allocator& allocator) : allocator_(allocator) {}
  void* allocate(std::size_t bytes) noexcept override;
  void release(void* memory, std::size_t bytes) noexcept override;

 private:
  v8::ArrayBuffer::Allocator& allocator_;  // Lives as long as the isolate's last buffer.
};

/// A codec that JavaScript holds by a handle, which is an ArrayBuffer that no script ever sees: V8
/// frees it like one, when it is collected or with its isolate, on whatever thread.
struct HeldCodec {
  explicit HeldCodec(v8::ArrayBuffer::Allocator& allocator) : memory(allocator) {}

  BufferQuotaMemory memory;
  std::unique_ptr<coding::Codec> codec;  ///< Null once it was released.
  std::size_t consumed = 0;              ///< By the last step.
  bool ended = false;
};

/// The codecs of one isolate: what tells a handle from any other buffer.
class CodecRegistry : public std::enable_shared_from_this<CodecRegistry> {
 public:
  /// A new handle. Empty with a JS exception pending if there is no memory for it.
  v8::MaybeLocal<v8::Value> create(v8::Isolate* isolate, coding::Format format, bool decoder,
                                   coding::Reading reading);
  /// The codec of a handle; null for every other value. Inside a slice only.
  HeldCodec* find(v8::Local<v8::Value> handle);

 private:
  static void onCollected(void* data, std::size_t length, void* registry) noexcept;

  std::mutex mutex_;
  std::unordered_set<HeldCodec*> codecs_;
};

}  // namespace atolld::webapi
