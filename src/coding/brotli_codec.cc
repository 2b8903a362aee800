// Brotli, by Google's library.

#include <brotli/decode.h>
#include <brotli/encode.h>

#include "coding/memory.h"

namespace atolld::coding {
namespace {

// About what gzip takes in time, and smaller. A window of 256 KiB bounds the encoder's memory.
constexpr std::uint32_t kQuality = 5;
constexpr std::uint32_t kEncoderWindowBits = 18;
// Above what an encoder of these settings has taken at its peak.
constexpr std::size_t kEncoderBytes = 6 * 1024 * 1024;

void* allocate(void* memory, std::size_t bytes) {
  return allocateSized(*static_cast<Memory*>(memory), bytes);
}

void release(void* memory, void* block) { releaseSized(*static_cast<Memory*>(memory), block); }

struct Cursor {
  Cursor(std::string_view input, std::span<char> output)
      : inLeft(input.size()),
        outLeft(output.size()),
        in(reinterpret_cast<const std::uint8_t*>(input.data())),
        out(reinterpret_cast<std::uint8_t*>(output.data())) {}

  std::size_t inLeft;
  std::size_t outLeft;
  const std::uint8_t* in;
  std::uint8_t* out;
};

/// The library, as Debian builds it, ends the process when an encoder's allocation fails. So what
/// it may need is taken from `memory` beforehand and left untouched, which costs addresses only;
/// the encoder itself works on the process's heap.
class Encoder final : public Codec, public Flushing {
 public:
  explicit Encoder(Memory& memory) : memory_(memory), reserved_(memory.allocate(kEncoderBytes)) {
    if (reserved_ == nullptr) return;
    state_ = BrotliEncoderCreateInstance(&allocate, &release, &heapMemory());
  }
  ~Encoder() override {
    if (state_ != nullptr) BrotliEncoderDestroyInstance(state_);
    if (reserved_ != nullptr) memory_.release(reserved_, kEncoderBytes);
  }

  bool begin() {
    return state_ != nullptr &&
           BrotliEncoderSetParameter(state_, BROTLI_PARAM_QUALITY, kQuality) == BROTLI_TRUE &&
           BrotliEncoderSetParameter(state_, BROTLI_PARAM_LGWIN, kEncoderWindowBits) == BROTLI_TRUE;
  }

  void requestFlush(FlushPoint) override { flush_ = true; }

  Result<Step> step(std::string_view input, std::span<char> output, bool finish) override {
    if (BrotliEncoderIsFinished(state_) == BROTLI_TRUE) return Step{.ended = true};
    Cursor cursor(input, output);
    const auto operation = finish   ? BROTLI_OPERATION_FINISH
                           : flush_ ? BROTLI_OPERATION_FLUSH
                                    : BROTLI_OPERATION_PROCESS;
    if (BrotliEncoderCompressStream(state_, operation, &cursor.inLeft, &cursor.in, &cursor.outLeft,
                                    &cursor.out, nullptr) == BROTLI_FALSE) {
      return noMemory();
    }
    if (cursor.outLeft > 0) flush_ = false;
    return Step{.consumed = input.size() - cursor.inLeft,
                .produced = output.size() - cursor.outLeft,
                .ended = BrotliEncoderIsFinished(state_) == BROTLI_TRUE};
  }

 private:
  Memory& memory_;
  void* const reserved_;
  BrotliEncoderState* state_ = nullptr;
  bool flush_ = false;  ///< Was asked for, and is not met yet.
};

class Decoder final : public Codec {
 public:
  explicit Decoder(Memory& memory)
      : state_(BrotliDecoderCreateInstance(&allocate, &release, &memory)) {}
  ~Decoder() override {
    if (state_ != nullptr) BrotliDecoderDestroyInstance(state_);
  }

  bool begin() const { return state_ != nullptr; }

  Result<Step> step(std::string_view input, std::span<char> output, bool finish) override {
    if (BrotliDecoderIsFinished(state_) == BROTLI_TRUE) return Step{.ended = true};
    Cursor cursor(input, output);
    const BrotliDecoderResult result = BrotliDecoderDecompressStream(
        state_, &cursor.inLeft, &cursor.in, &cursor.outLeft, &cursor.out, nullptr);
    if (result == BROTLI_DECODER_RESULT_ERROR) {
      const BrotliDecoderErrorCode code = BrotliDecoderGetErrorCode(state_);
      const bool memory = code <= BROTLI_DECODER_ERROR_ALLOC_CONTEXT_MODES &&
                          code >= BROTLI_DECODER_ERROR_ALLOC_BLOCK_TYPE_TREES;
      return memory ? noMemory() : corrupt();
    }
    if (finish && result == BROTLI_DECODER_RESULT_NEEDS_MORE_INPUT) return truncated();
    return Step{.consumed = input.size() - cursor.inLeft,
                .produced = output.size() - cursor.outLeft,
                .ended = result == BROTLI_DECODER_RESULT_SUCCESS};
  }

 private:
  BrotliDecoderState* const state_;
};

}  // namespace

Result<std::unique_ptr<Codec>> makeBrotliDecoder(Memory& memory) {
  auto decoder = std::make_unique<Decoder>(memory);
  if (!decoder->begin()) return noMemory();
  return decoder;
}

Result<std::unique_ptr<Codec>> makeBrotliEncoder(Memory& memory) {
  auto encoder = std::make_unique<Encoder>(memory);
  if (!encoder->begin()) return noMemory();
  return encoder;
}

}  // namespace atolld::coding
