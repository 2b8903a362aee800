#include "cli.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

namespace atolld::cli {
namespace {

std::string readAll(int fd, const std::string& name) {
  std::string text;
  std::array<char, 65536> buffer;
  for (;;) {
    const ssize_t count = read(fd, buffer.data(), buffer.size());
    if (count == 0) return text;
    if (count > 0) {
      text.append(buffer.data(), static_cast<std::size_t>(count));
    } else if (errno != EINTR) {
      throw CliError(name + ": " + std::strerror(errno));
    }
  }
}

void writeAll(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t count = write(fd, text.data(), text.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw CliError(std::string("writing: ") + std::strerror(errno));
    text.remove_prefix(static_cast<std::size_t>(count));
  }
}

}  // namespace

void say(const Globals& globals, std::string_view line) {
  if (globals.json || globals.isQuiet) return;
  std::fwrite(line.data(), 1, line.size(), stdout);
  std::fputc('\n', stdout);
}

void sayJson(const Globals& globals, const Json& value) {
  if (!globals.json || globals.isQuiet) return;
  const std::string text = value.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
  std::fwrite(text.data(), 1, text.size(), stdout);
}

void warn(std::string_view line) {
  std::fprintf(stderr, "atoll: %.*s\n", static_cast<int>(line.size()), line.data());
}

std::string readFile(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) throw CliError(path + ": " + std::strerror(errno));
  struct Close {
    int fd;
    ~Close() { close(fd); }
  } const closer{fd};
  return readAll(fd, path);
}

std::string readStdin() { return readAll(STDIN_FILENO, "standard input"); }

void writeFile(const std::string& path, std::string_view text, bool secret) {
  namespace fs = std::filesystem;
  std::error_code error;
  if (const fs::path parent = fs::path(path).parent_path(); !parent.empty()) {
    fs::create_directories(parent, error);
    if (error) throw CliError(parent.string() + ": " + error.message());
  }
  const std::string temporary = path + ".new";
  const int fd =
      open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, secret ? 0600 : 0644);
  if (fd < 0) throw CliError(path + ": " + std::strerror(errno));
  try {
    writeAll(fd, text);
  } catch (...) {
    close(fd);
    unlink(temporary.c_str());
    throw;
  }
  close(fd);
  fs::rename(temporary, path, error);
  if (error) throw CliError(path + ": " + error.message());
}

std::string shortId(std::string_view versionId) { return std::string(versionId.substr(0, 8)); }

std::string sizeText(std::uint64_t bytes) {
  if (bytes < 1000) return std::to_string(bytes) + " B";
  double value = static_cast<double>(bytes) / 1000;
  const char* unit = "KB";
  if (value >= 1000) {
    value /= 1000;
    unit = "MB";
  }
  std::array<char, 32> text;
  std::snprintf(text.data(), text.size(), "%.1f %s", value, unit);
  return text.data();
}

}  // namespace atolld::cli
