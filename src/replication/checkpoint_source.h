#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "store/crypto.h"
#include "store/database.h"

namespace atolld::replication {

/// What a checkpoint consists of. Its text form is README.md's; a reader takes exactly that.
struct Manifest {
  struct File {
    std::string name;
    std::uint64_t sizeBytes = 0;
    std::string sha256;  ///< Raw.
  };
  std::string id;  ///< 32 hex digits.
  std::vector<File> files;

  std::string toText() const;
  /// Untrusted input: names stay inside one directory. @error Protocol
  static Result<Manifest> parse(std::string_view text);
};

/// Hex digits, 32 of them.
bool isCheckpointId(std::string_view text);
/// SHA-256 of a file, raw. @error Io
Result<std::string> hashFile(const std::string& path);
/// The same, added to what `sum` has. @error Io
Result<> hashFile(const std::string& path, store::Sha256& sum);

/// Checkpoints of a replica for others to fetch: one is made when somebody asks and the last is
/// old, kept while it is fetched, and removed when nobody has asked for a while. Pool threads;
/// blocks.
class CheckpointSource {
 public:
  /// Removes what a former process left. Both borrowed.
  CheckpointSource(const store::Database& database, std::string directory);

  /// That checkpoint, if it is still there, or else a recent one. @error Io
  Result<Manifest> offer(std::string_view wantedId);
  /// Path of a file of a checkpoint. @error NotFound
  Result<std::string> find(std::string_view id, std::string_view file);
  /// Removes those that nobody has asked for in ten minutes.
  void collect();

 private:
  struct Kept {
    Manifest manifest;
    MonotonicTime madeAt;
    MonotonicTime usedAt;
  };

  const store::Database& database_;
  const std::string directory_;
  std::mutex mutex_;  // Guards the rest; also held while one is made, so that two do not make two.
  std::vector<Kept> kept_;
};

}  // namespace atolld::replication
