#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "base/result.h"

/// Compressed bytes, made and read in steps whose output the caller bounds: nothing here grows with
/// what a stranger sends.
namespace atolld::coding {

enum class Format : std::uint8_t {
  Gzip,        ///< RFC 1952
  Deflate,     ///< RFC 1950: "deflate" of HTTP, the zlib format
  DeflateRaw,  ///< RFC 1951
  Brotli,      ///< RFC 7932
  Zstd,        ///< RFC 8878; decoders only
};

/// Where a codec's own memory comes from. Outlives the codecs that use it.
class Memory {
 public:
  /// Null if there is none left; aligned for anything.
  virtual void* allocate(std::size_t bytes) noexcept = 0;
  virtual void release(void* memory, std::size_t bytes) noexcept = 0;

 protected:
  ~Memory() = default;
};

/// The process's heap.
Memory& heapMemory() noexcept;

struct Step {
  std::size_t consumed = 0;
  std::size_t produced = 0;
  /// The compressed data is complete; a decoder takes nothing more.
  bool ended = false;
};

/// One run of bytes in one direction. Any thread, one at a time.
class Codec {
 public:
  virtual ~Codec() = default;
  Codec() = default;
  Codec(const Codec&) = delete;
  Codec& operator=(const Codec&) = delete;

  /// Takes from `input` and fills `output` until one of them is through. With `finish`, `input` is
  /// all that is left: an encoder has written everything out once `ended` is true. A step that
  /// neither consumed nor produced anything wants more input.
  /// @error Corrupt   the input is not in the format, or `finish` came before its end
  /// @error TooLarge  the codec's memory has no room
  virtual Result<Step> step(std::string_view input, std::span<char> output, bool finish) = 0;
};

/// How a decoder treats what HTTP and the Compression standard read differently.
enum class Reading : std::uint8_t {
  /// One member, and a zlib header where the format has one.
  Strict,
  /// As HTTP clients read content: gzip members in a row, "deflate" without its zlib header, and
  /// whatever follows the end is dropped.
  Lenient,
};

/// @error TooLarge  there is no memory for it
Result<std::unique_ptr<Codec>> makeDecoder(Format format, Reading reading,
                                           Memory& memory = heapMemory());
/// Fast settings, for content that is made as it is sent.
/// @error TooLarge  there is no memory for it
/// @error InvalidArgument  there is no encoder for the format
Result<std::unique_ptr<Codec>> makeEncoder(Format format, Memory& memory = heapMemory());

/// The format that a single content coding names: gzip, x-gzip, deflate, br, zstd, in any case.
/// Nothing for others, for lists and for "identity".
/// @spec RFC 9110 section 8.4.1
std::optional<Format> findContentCoding(std::string_view name) noexcept;

/// Whether an Accept-Encoding field value allows the coding. @spec RFC 9110 section 12.5.3
bool acceptsCoding(std::string_view acceptEncoding, Format format) noexcept;

}  // namespace atolld::coding
