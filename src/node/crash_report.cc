#include "node/crash_report.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fstream>
#include <map>
#include <string_view>

#include "shard/watchdog.h"

namespace atolld::node {
namespace {

constexpr int kCrashesMax = 2;
/// Older crashes than these are forgotten.
constexpr std::size_t kLinesMax = 1000;

std::atomic<int> crashFile = -1;

/// Text of a fixed size: nothing here may allocate.
class Line {
 public:
  void add(std::string_view text) noexcept {
    const std::size_t count = std::min(text.size(), text_.size() - size_);
    std::memcpy(text_.data() + size_, text.data(), count);
    size_ += count;
  }
  void add(int number) noexcept {
    std::array<char, 12> digits;
    std::size_t at = digits.size();
    do {
      digits[--at] = static_cast<char>('0' + number % 10);
      number /= 10;
    } while (number > 0 && at > 0);
    add({digits.data() + at, digits.size() - at});
  }
  void write(int file) const noexcept {
    [[maybe_unused]] const ssize_t written = ::write(file, text_.data(), size_);
  }

 private:
  std::array<char, 1024> text_;
  std::size_t size_ = 0;
};

/// Async-signal-safe. Names of tenants and scripts need no escaping.
void onCrash(int signal) noexcept {
  Line report;
  report.add(R"({"level":"error","event":"crash","signal":)");
  report.add(signal);
  if (const deploy::Version* const version = shard::SliceRunner::versionOnThisThread()) {
    report.add(R"(,"tenant":")");
    report.add(version->tenant);
    report.add(R"(","script":")");
    report.add(version->script);
    report.add(R"(","version":")");
    report.add(version->id);
    report.add("\"");
    Line entry;
    entry.add(version->id);
    entry.add("\n");
    entry.write(crashFile.load());
  }
  report.add("}\n");
  report.write(STDERR_FILENO);
  raise(signal);  // To its default action, which was restored.
}

}  // namespace

Result<std::vector<std::string>> reportCrashes(const std::string& path) {
  std::vector<std::string> lines;
  std::ifstream before(path);
  for (std::string line; std::getline(before, line);) lines.push_back(line);
  if (lines.size() > kLinesMax) {
    lines.erase(lines.begin(), lines.end() - static_cast<std::ptrdiff_t>(kLinesMax / 2));
    std::ofstream shorter(path, std::ios::trunc);
    for (const std::string& line : lines) shorter << line << '\n';
  }
  const int file = ::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
  if (file < 0) return fail(ErrorCode::Io, path + ": " + std::strerror(errno));
  crashFile.store(file);
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  constexpr bool kHasHandlers = true;
#else
  constexpr bool kHasHandlers = false;
#endif
  for (const int signal : {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP, SIGSYS}) {
    if (kHasHandlers) break;  // A sanitizer's.
    struct sigaction action{};
    action.sa_handler = &onCrash;
    action.sa_flags = static_cast<int>(SA_ONSTACK | SA_RESETHAND);
    sigaction(signal, &action, nullptr);
  }
  std::map<std::string, int> counts;
  std::vector<std::string> often;
  for (const std::string& line : lines) {
    if (++counts[line] == kCrashesMax) often.push_back(line);
  }
  return often;
}

}  // namespace atolld::node
