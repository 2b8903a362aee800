#pragma once

#include <cstddef>

#include "coding/codec.h"
#include "coding/tuning.h"

namespace atolld::coding {

/// Memory for C libraries, which do not say how much they give back: the size goes in front.
void* allocateSized(Memory& memory, std::size_t bytes) noexcept;
void releaseSized(Memory& memory, void* block) noexcept;

/// One maker for each library; `memory` as in codec.h.
Result<std::unique_ptr<Codec>> makeZlibDecoder(Format format, Reading reading, Memory& memory);
Result<std::unique_ptr<Codec>> makeZlibEncoder(Format format, Memory& memory);
Result<std::unique_ptr<Codec>> makeBrotliDecoder(Memory& memory);
Result<std::unique_ptr<Codec>> makeBrotliEncoder(Memory& memory);
Result<std::unique_ptr<Codec>> makeZstdDecoder(Memory& memory);

/// An encoder that can write out what it holds back.
class Flushing {
 public:
  virtual void requestFlush(FlushPoint point) = 0;

 protected:
  ~Flushing() = default;
};

/// What the errors of all of them say.
std::unexpected<Error> noMemory();
std::unexpected<Error> corrupt();
std::unexpected<Error> truncated();

}  // namespace atolld::coding
