#include "http/head_scanner.h"

namespace atolld::http {

HeadScanner::Verdict HeadScanner::scan(std::string_view message) {
  while (true) {
    const std::size_t lf = message.find('\n', scanned_);
    const std::size_t end = lf == std::string_view::npos ? message.size() : lf + 1;
    const bool startLine = lineCount_ == 0;
    if (startLine && end > limits_.startLineBytesMax + 2) return Verdict::StartLineTooLong;
    if (end > limits_.headBytesMax) return Verdict::FieldsTooLarge;
    if (lf == std::string_view::npos) {
      scanned_ = message.size();
      return Verdict::Incomplete;
    }
    if (lf == lineStart_ || message[lf - 1] != '\r') {
      return malformed("a line does not end in CR LF");
    }
    const std::size_t lineBytes = lf - 1 - lineStart_;
    scanned_ = end;
    if (lineBytes == 0) {
      if (startLine) return malformed("the message does not start with a start line");
      lineStart_ = end;
      return Verdict::Complete;
    }
    const char first = message[lineStart_];
    if (first == ' ' || first == '\t') {
      return malformed(startLine ? "the start line starts with a blank"
                                 : "a header line starts with a blank");
    }
    if (startLine) startLineBytes_ = lineBytes;
    lineStart_ = end;
    if (++lineCount_ > limits_.fieldCountMax + 1) return Verdict::FieldsTooLarge;
  }
}

}  // namespace atolld::http
