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

Result<> writeSecretFile(const fs::path& path, std::string_view content) {
  const std::string temporary = path.string() + ".new";
  const mode_t before = umask(0077);
  std::ofstream file(temporary, std::ios::binary | std::ios::trunc);
  umask(before);
  file << content;
  file.close();
  std::error_code error;
  if (file) fs::rename(temporary, path, error);
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
