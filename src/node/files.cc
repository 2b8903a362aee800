#include "node/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

namespace atolld::node {

namespace fs = std::filesystem;

namespace {

/// A file's content or a directory's entries. What cannot be synced is as it was before: written.
void syncToDisk(const fs::path& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return;
  fsync(fd);
  close(fd);
}

}  // namespace

Result<> writeSecretFile(const fs::path& path, std::string_view content) {
  const std::string temporary = path.string() + ".new";
  const mode_t before = umask(0077);
  std::ofstream file(temporary, std::ios::binary | std::ios::trunc);
  umask(before);
  file << content;
  file.close();
  std::error_code error;
  if (file) syncToDisk(temporary);
  if (file) fs::rename(temporary, path, error);
  if (file && !error) syncToDisk(path.parent_path());
  if (!file || error) {
    return fail(ErrorCode::Io, path.string() + ": cannot be written (" +
                                   (error ? error.message() : std::strerror(errno)) +
                                   "); is the data directory writable, the disk full?");
  }
  return {};
}

Result<std::string> readFile(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream content;
  content << file.rdbuf();
  if (!file) return fail(ErrorCode::NotFound, path.string() + ": cannot be read");
  return std::move(content).str();
}

}  // namespace atolld::node
