#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace atolld::http {

/// Finds the end of an HTTP/1 message head in bytes that arrive in any pieces, and refuses line
/// structure that two readers could take two ways: a bare LF, a folded line, blanks before the
/// first field. What it finds does not depend on how the bytes were split.
/// @spec RFC 9112 sections 2.2 and 5.2
class HeadScanner {
 public:
  struct Limits {
    std::size_t headBytesMax;
    std::size_t startLineBytesMax;
    std::size_t fieldCountMax;
  };
  enum class Verdict : std::uint8_t {
    Incomplete,
    Complete,   ///< The head is the first headBytes() bytes.
    Malformed,  ///< problem() says why.
    StartLineTooLong,
    FieldsTooLarge,  ///< Too many bytes or too many fields.
  };

  explicit HeadScanner(const Limits& limits) : limits_(limits) {}

  /// `message` is everything since the message's first byte; it may have moved since the last
  /// call, but what was in it must be the same.
  Verdict scan(std::string_view message);
  void reset() noexcept { *this = HeadScanner(limits_); }

  std::size_t headBytes() const noexcept { return lineStart_; }
  /// Without the CRLF.
  std::size_t startLineBytes() const noexcept { return startLineBytes_; }
  std::size_t fieldCount() const noexcept { return lineCount_ > 0 ? lineCount_ - 1 : 0; }
  std::string_view problem() const noexcept { return problem_; }

 private:
  Verdict malformed(std::string_view problem) {
    problem_ = problem;
    return Verdict::Malformed;
  }

  Limits limits_;
  std::size_t lineStart_ = 0;  // Of the line that is being looked at.
  std::size_t scanned_ = 0;    // No LF before this.
  std::size_t startLineBytes_ = 0;
  std::size_t lineCount_ = 0;
  std::string_view problem_;
};

}  // namespace atolld::http
