#include "store/faulty_disk.h"

#include <filesystem>

namespace atolld::store::testing {

using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;

class FaultyDisk::File final : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  File(FaultyDisk& disk, std::string path, std::unique_ptr<rocksdb::FSWritableFile> file)
      : FSWritableFileOwnerWrapper(std::move(file)), disk_(disk), path_(std::move(path)) {}

  IOStatus Append(const rocksdb::Slice& data, const IOOptions& options,
                  IODebugContext* debug) override {
    const std::scoped_lock lock(disk_.mutex_);
    if (IOStatus wrong = disk_.fault(false); !wrong.ok()) return wrong;
    disk_.files_[path_].sizeBytes += data.size();
    return target()->Append(data, options, debug);
  }
  IOStatus Append(const rocksdb::Slice& data, const IOOptions& options,
                  const rocksdb::DataVerificationInfo&, IODebugContext* debug) override {
    return Append(data, options, debug);
  }
  IOStatus Sync(const IOOptions& options, IODebugContext* debug) override {
    return synced([&] { return target()->Sync(options, debug); });
  }
  IOStatus Fsync(const IOOptions& options, IODebugContext* debug) override {
    return synced([&] { return target()->Fsync(options, debug); });
  }

 private:
  template <class Sync>
  IOStatus synced(const Sync& sync) {
    const std::scoped_lock lock(disk_.mutex_);
    if (IOStatus wrong = disk_.fault(true); !wrong.ok()) return wrong;
    IOStatus done = sync();
    Extent& extent = disk_.files_[path_];
    if (done.ok()) extent.syncedBytes = extent.sizeBytes;
    ++disk_.syncCount_;
    return done;
  }

  FaultyDisk& disk_;
  const std::string path_;
};

class FaultyDisk::Directory final : public rocksdb::FSDirectoryWrapper {
 public:
  Directory(FaultyDisk& disk, std::unique_ptr<rocksdb::FSDirectory> directory)
      : FSDirectoryWrapper(std::move(directory)), disk_(disk) {}

  IOStatus Fsync(const IOOptions& options, IODebugContext* debug) override {
    return synced([&] { return FSDirectoryWrapper::Fsync(options, debug); });
  }
  IOStatus FsyncWithDirOptions(const IOOptions& options, IODebugContext* debug,
                               const rocksdb::DirFsyncOptions& which) override {
    return synced([&] { return FSDirectoryWrapper::FsyncWithDirOptions(options, debug, which); });
  }

 private:
  template <class Sync>
  IOStatus synced(const Sync& sync) {
    const std::scoped_lock lock(disk_.mutex_);
    if (IOStatus wrong = disk_.fault(true); !wrong.ok()) return wrong;
    for (auto& [path, extent] : disk_.files_) extent.isInDirectory = true;
    return sync();
  }

  FaultyDisk& disk_;
};

FaultyDisk::FaultyDisk() : FileSystemWrapper(rocksdb::FileSystem::Default()) {}

FaultyDisk::Mounted FaultyDisk::mount() {
  auto disk = std::make_shared<FaultyDisk>();
  return {.disk = disk, .env = rocksdb::NewCompositeEnv(disk)};
}

void FaultyDisk::set(Fault fault) {
  const std::scoped_lock lock(mutex_);
  fault_ = fault;
}

std::uint64_t FaultyDisk::syncCount() const {
  const std::scoped_lock lock(mutex_);
  return syncCount_;
}

void FaultyDisk::loseUnsynced() {
  const std::scoped_lock lock(mutex_);
  for (const auto& [path, extent] : files_) {
    std::error_code ignored;
    if (!extent.isInDirectory) {
      std::filesystem::remove(path, ignored);
    } else {
      std::filesystem::resize_file(path, extent.syncedBytes, ignored);
    }
  }
}

IOStatus FaultyDisk::fault(bool isSync) const {
  switch (fault_) {
    case Fault::None:
      return IOStatus::OK();
    case Fault::NoSpace:
      return isSync ? IOStatus::OK() : IOStatus::NoSpace("test", "disk is full");
    case Fault::SyncFails:
      return isSync ? IOStatus::IOError("sync failed") : IOStatus::OK();
    case Fault::NoPower:
      return IOStatus::IOError("no power");
  }
  return IOStatus::OK();
}

IOStatus FaultyDisk::NewWritableFile(const std::string& path, const rocksdb::FileOptions& options,
                                     std::unique_ptr<rocksdb::FSWritableFile>* file,
                                     IODebugContext* debug) {
  const std::scoped_lock lock(mutex_);
  if (IOStatus wrong = fault(false); !wrong.ok()) return wrong;
  std::unique_ptr<rocksdb::FSWritableFile> real;
  IOStatus made = target()->NewWritableFile(path, options, &real, debug);
  if (!made.ok()) return made;
  files_[path] = Extent();
  *file = std::make_unique<File>(*this, path, std::move(real));
  return made;
}

IOStatus FaultyDisk::NewDirectory(const std::string& path, const IOOptions& options,
                                  std::unique_ptr<rocksdb::FSDirectory>* directory,
                                  IODebugContext* debug) {
  std::unique_ptr<rocksdb::FSDirectory> real;
  IOStatus made = target()->NewDirectory(path, options, &real, debug);
  if (made.ok()) *directory = std::make_unique<Directory>(*this, std::move(real));
  return made;
}

IOStatus FaultyDisk::RenameFile(const std::string& from, const std::string& to,
                                const IOOptions& options, IODebugContext* debug) {
  const std::scoped_lock lock(mutex_);
  if (IOStatus wrong = fault(false); !wrong.ok()) return wrong;
  if (auto moved = files_.extract(from)) {
    moved.key() = to;
    // Whether a rename outlives the power is the journal's affair: here it does.
    moved.mapped().isInDirectory = true;
    files_.erase(to);
    files_.insert(std::move(moved));
  }
  return target()->RenameFile(from, to, options, debug);
}

IOStatus FaultyDisk::DeleteFile(const std::string& path, const IOOptions& options,
                                IODebugContext* debug) {
  const std::scoped_lock lock(mutex_);
  if (IOStatus wrong = fault(false); !wrong.ok()) return wrong;
  files_.erase(path);
  return target()->DeleteFile(path, options, debug);
}

}  // namespace atolld::store::testing
