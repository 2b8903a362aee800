#pragma once

#include <rocksdb/env.h>
#include <rocksdb/file_system.h>

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>

namespace atolld::store::testing {

/// The machine's disk with a power switch: it remembers what was synced, can lose the rest, and can
/// refuse writes or syncs. Any thread; outlives the databases opened on it.
class FaultyDisk final : public rocksdb::FileSystemWrapper {
 public:
  /// `disk` owns its environment: what DatabaseOptions::env points at.
  struct Mounted {
    std::shared_ptr<FaultyDisk> disk;
    std::unique_ptr<rocksdb::Env> env;
  };
  static Mounted mount();
  FaultyDisk();

  const char* Name() const override { return "FaultyDisk"; }

  enum class Fault { None, NoSpace, SyncFails, NoPower };
  /// From now on. NoPower also freezes what counts as synced.
  void set(Fault fault);
  /// What the disk holds after NoPower, once the database is closed: files end where they were last
  /// synced, and files whose directory was not synced after they were made are gone.
  void loseUnsynced();
  std::uint64_t syncCount() const;

  rocksdb::IOStatus NewWritableFile(const std::string& path, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* file,
                                    rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus NewDirectory(const std::string& path, const rocksdb::IOOptions& options,
                                 std::unique_ptr<rocksdb::FSDirectory>* directory,
                                 rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus RenameFile(const std::string& from, const std::string& to,
                               const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus DeleteFile(const std::string& path, const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* debug) override;

 private:
  class File;
  class Directory;

  struct Extent {
    std::uint64_t sizeBytes = 0;
    std::uint64_t syncedBytes = 0;
    bool isInDirectory = false;  // The directory was synced since the file was made.
  };

  /// Under the mutex. @return the error of the current fault, for a write or for a sync.
  rocksdb::IOStatus fault(bool isSync) const;

  mutable std::mutex mutex_;  // Guards all below, and is held through each write and sync.
  Fault fault_ = Fault::None;
  std::map<std::string, Extent> files_;
  std::uint64_t syncCount_ = 0;
};

}  // namespace atolld::store::testing
