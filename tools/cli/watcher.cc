#include "watcher.h"

#include <sys/inotify.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "cli.h"

namespace atolld::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::uint32_t kEvents = IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE |
                                  IN_CREATE | IN_ONLYDIR | IN_EXCL_UNLINK;

bool isIgnored(std::string_view name) {
  return name == "node_modules" || (name.starts_with('.') && name != ".dev.vars");
}

std::string joined(const std::string& folder, const std::string& name) {
  return folder.empty() ? name : folder + "/" + name;
}

}  // namespace

Watcher::Watcher(std::string directory)
    : directory_(std::move(directory)), descriptor_(inotify_init1(IN_NONBLOCK | IN_CLOEXEC)) {
  if (descriptor_ < 0) throw CliError(std::string("watching files: ") + std::strerror(errno));
  add("");
}

Watcher::~Watcher() { close(descriptor_); }

void Watcher::add(const std::string& folder) {
  const fs::path path = fs::path(directory_) / folder;
  const int watch = inotify_add_watch(descriptor_, path.c_str(), kEvents);
  if (watch < 0) {
    if (errno == ENOENT || errno == ENOTDIR) return;  // Gone again.
    throw CliError("watching " + path.string() + ": " + std::strerror(errno) +
                   (errno == ENOSPC ? "; raise fs.inotify.max_user_watches" : ""));
  }
  folders_[watch] = folder;
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(path, error)) {
    std::error_code ignored;
    const std::string name = entry.path().filename().string();
    if (entry.is_symlink(ignored) || !entry.is_directory(ignored) || isIgnored(name)) continue;
    add(joined(folder, name));
  }
}

std::string Watcher::takeChange() {
  alignas(inotify_event) char buffer[16 * 1024];
  std::string changed;
  for (;;) {
    const ssize_t size = read(descriptor_, buffer, sizeof buffer);
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) return changed;
    for (const char* at = buffer; at < buffer + size;) {
      const auto* const event = reinterpret_cast<const inotify_event*>(at);
      at += sizeof(inotify_event) + event->len;
      // More happened than the kernel kept: something has changed.
      if ((event->mask & IN_Q_OVERFLOW) != 0) changed = ".";
      const auto folder = folders_.find(event->wd);
      if (event->len == 0 || folder == folders_.end() || isIgnored(event->name)) continue;
      const std::string path = joined(folder->second, event->name);
      const bool isFolder = (event->mask & IN_ISDIR) != 0;
      if (isFolder && (event->mask & (IN_CREATE | IN_MOVED_TO)) != 0) add(path);
      // A file just made is empty still: its end of writing comes.
      if (isFolder || (event->mask & IN_CREATE) == 0) changed = path;
    }
  }
}

}  // namespace atolld::cli
