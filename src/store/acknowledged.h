#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace atolld::store {

/// A file beside the database with the index of the newest entry that a caller was told of. After a
/// crash RocksDB stops its recovery in silence at the first record it cannot read, which is right
/// for a torn tail and wrong for a damaged middle: this number tells the two apart.
///
/// Written after the entry's sync and not itself synced: after a power cut it may lag behind, and
/// then proves less; it never runs ahead.
class AcknowledgedFile {
 public:
  /// @error Io
  static Result<AcknowledgedFile> open(const std::string& directory);
  AcknowledgedFile(AcknowledgedFile&& other) noexcept : fd_(other.fd_) { other.fd_ = -1; }
  AcknowledgedFile& operator=(AcknowledgedFile&&) = delete;
  ~AcknowledgedFile();

  /// 0 when nothing is known of this history.
  std::uint64_t read(std::string_view history) const;
  /// Best effort: a failure only weakens the check of the next open.
  void write(std::string_view history, std::uint64_t index) const;

 private:
  explicit AcknowledgedFile(int fd) : fd_(fd) {}

  int fd_;
};

}  // namespace atolld::store
