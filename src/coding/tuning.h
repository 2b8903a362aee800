#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "coding/codec.h"

/// Codecs with settings of their own, for callers that are asked for them.
namespace atolld::coding {

/// zlib's settings, with its numbers. https://zlib.net/manual.html
struct ZlibTuning {
  int level = -1;       ///< -1 to 9
  int windowBits = 15;  ///< 8 to 15
  int memoryLevel = 8;  ///< 1 to 9
  int strategy = 0;     ///< 0 to 4
  std::string dictionary;
};

/// Of gzip, deflate and raw deflate. A dictionary is no part of gzip, and not used with it.
/// @error InvalidArgument  another format, or a setting out of range
/// @error TooLarge  there is no memory for it
Result<std::unique_ptr<Codec>> makeTunedEncoder(Format format, const ZlibTuning& tuning,
                                                Memory& memory = heapMemory());
/// Reads strictly (gzip: member after member), with the dictionary where the data asks for one; of
/// the other settings nothing counts here. Errors as above.
Result<std::unique_ptr<Codec>> makeTunedDecoder(Format format, const ZlibTuning& tuning,
                                                Memory& memory = heapMemory());

enum class FlushPoint : std::uint8_t {
  Sync,  ///< What was taken so far can be read.
  Full,  ///< And reading can begin there.
};

/// The next steps, up to the first that leaves room in its output, end at such a point. Nothing
/// happens with a decoder. Steps need room for seven bytes: zlib repeats its mark where it fits
/// exactly.
void requestFlush(Codec& codec, FlushPoint point);

}  // namespace atolld::coding
