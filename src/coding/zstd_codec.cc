// Zstandard, read only.

// For a decoder with memory of ours; the shared library exports it.
#define ZSTD_STATIC_LINKING_ONLY
#include <zstd.h>

#include "coding/memory.h"

namespace atolld::coding {
namespace {

/// 8 MiB: what a sender of content may use. RFC 9659 section 3.
constexpr int kWindowLogMax = 23;

void* allocate(void* memory, std::size_t bytes) {
  return allocateSized(*static_cast<Memory*>(memory), bytes);
}

void release(void* memory, void* block) { releaseSized(*static_cast<Memory*>(memory), block); }

class Decoder final : public Codec {
 public:
  explicit Decoder(Memory& memory)
      : stream_(ZSTD_createDCtx_advanced({&allocate, &release, &memory})) {}
  ~Decoder() override { ZSTD_freeDCtx(stream_); }

  bool begin() const {
    return stream_ != nullptr &&
           ZSTD_isError(ZSTD_DCtx_setParameter(stream_, ZSTD_d_windowLogMax, kWindowLogMax)) == 0;
  }

  /// Frames may follow each other: RFC 8878 section 3.
  Result<Step> step(std::string_view input, std::span<char> output, bool finish) override {
    if (input.empty() && atFrameEnd_) return Step{.ended = true};
    ZSTD_inBuffer in{input.data(), input.size(), 0};
    ZSTD_outBuffer out{output.data(), output.size(), 0};
    const std::size_t status = ZSTD_decompressStream(stream_, &out, &in);
    if (ZSTD_isError(status) != 0) {
      return ZSTD_getErrorCode(status) == ZSTD_error_memory_allocation ? noMemory() : corrupt();
    }
    if (in.pos > 0 || out.pos > 0) atFrameEnd_ = status == 0;
    if (finish && !atFrameEnd_ && in.pos == in.size && out.pos < out.size) return truncated();
    return Step{.consumed = in.pos, .produced = out.pos, .ended = atFrameEnd_ && in.pos == in.size};
  }

 private:
  ZSTD_DCtx* const stream_;
  bool atFrameEnd_ = false;
};

}  // namespace

Result<std::unique_ptr<Codec>> makeZstdDecoder(Memory& memory) {
  auto decoder = std::make_unique<Decoder>(memory);
  if (!decoder->begin()) return noMemory();
  return decoder;
}

}  // namespace atolld::coding
