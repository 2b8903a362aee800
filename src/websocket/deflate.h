#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "websocket/protocol.h"

struct z_stream_s;

/// Messages compressed by DEFLATE, with zlib. @spec RFC 7692 section 7.2
namespace atolld::websocket {

/// Compresses messages. Memory (about 40 KiB) is taken at the first one, and given back after each
/// where the context is not kept.
class Deflater {
 public:
  explicit Deflater(DeflateParameters parameters) : parameters_(parameters) {}

  /// Appends the compressed message to `out`.
  void compress(std::string_view message, std::string& out);

 private:
  struct End {
    void operator()(z_stream_s* stream) const noexcept;
  };
  const DeflateParameters parameters_;
  std::unique_ptr<z_stream_s, End> stream_;
};

/// Decompresses messages step by step, so that no input can cost more than a step at a time.
class Inflater {
 public:
  explicit Inflater(DeflateParameters parameters) : parameters_(parameters) {}

  enum class Verdict {
    Done,     ///< All of the input is used up.
    Budget,   ///< `budget` bytes came out, and there is more.
    BadData,  ///< It is not DEFLATE.
  };
  /// Appends at most `budget` bytes to `out` and takes what it used from the front of `input`.
  Verdict inflate(std::string_view& input, std::size_t budget, std::string& out);
  /// The message is complete: forgets the context if it is not kept.
  void endMessage();

 private:
  struct End {
    void operator()(z_stream_s* stream) const noexcept;
  };
  bool restart();

  const DeflateParameters parameters_;
  std::unique_ptr<z_stream_s, End> stream_;
};

}  // namespace atolld::websocket
