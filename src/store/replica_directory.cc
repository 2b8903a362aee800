#include "store/replica_directory.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <system_error>

namespace atolld::store {
namespace {

namespace fs = std::filesystem;

std::string choiceFile(const std::string& dataDir) { return dataDir + "/CURRENT_REPLICA"; }

std::string chosen(const std::string& dataDir) {
  std::ifstream file(choiceFile(dataDir));
  std::string name;
  if (!std::getline(file, name) || name.find('/') != std::string::npos ||
      !name.starts_with(kReplicaPrefix)) {
    name = kReplicaPrefix;
  }
  return name;
}

std::unexpected<Error> osError(const std::string& what) {
  return fail(ErrorCode::Io, what + ": " + std::generic_category().message(errno));
}

/// @error Io
Result<> sync(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return osError(path);
  const bool synced = ::fsync(fd) == 0;
  ::close(fd);
  if (!synced) return osError(path);
  return {};
}

}  // namespace

Result<std::string> findReplica(const std::string& dataDir) {
  return dataDir + "/" + chosen(dataDir);
}

Result<> chooseReplica(const std::string& dataDir, std::string_view name) {
  // Whole before it is chosen, chosen before the former one goes: a power cut finds one of the two.
  const std::string replica = dataDir + "/" + std::string(name);
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(replica, error)) {
    if (!entry.is_regular_file(error)) continue;
    // RocksDB has the replica open and may remove a file that it has no more use for.
    const Result<> synced = sync(entry.path().string());
    if (!synced && fs::exists(entry.path())) return synced;
  }
  if (error) return fail(ErrorCode::Io, replica + ": " + error.message());
  ATOLL_TRY_VOID(sync(replica));
  const std::string temporary = choiceFile(dataDir) + ".new";
  const int fd = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) return osError(temporary);
  const bool written = ::write(fd, name.data(), name.size()) == static_cast<ssize_t>(name.size()) &&
                       ::fsync(fd) == 0;
  ::close(fd);
  if (!written || ::rename(temporary.c_str(), choiceFile(dataDir).c_str()) != 0) {
    return osError(temporary);
  }
  return sync(dataDir);
}

void removeFormerReplicas(const std::string& dataDir) {
  const std::string keep = chosen(dataDir);
  std::error_code ignored;
  for (const fs::directory_entry& entry : fs::directory_iterator(dataDir, ignored)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with(kReplicaPrefix) && name != keep && entry.is_directory(ignored)) {
      fs::remove_all(entry.path(), ignored);
    }
  }
}

}  // namespace atolld::store
