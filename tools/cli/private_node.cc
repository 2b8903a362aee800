#include "private_node.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <ranges>

#include "base/encoding.h"

extern char** environ;

namespace atolld::cli {
namespace {

namespace fs = std::filesystem;

// The node's program: beside this one, else in PATH.
std::string serverProgram() {
  std::error_code error;
  const fs::path self = fs::read_symlink("/proc/self/exe", error);
  const fs::path beside = self.parent_path() / "atolld";
  return !error && fs::exists(beside, error) ? beside.string() : "atolld";
}

struct Pipe {
  int ends[2] = {-1, -1};
  Pipe() {
    if (pipe2(ends, O_CLOEXEC) != 0) throw CliError(std::string("pipe: ") + std::strerror(errno));
  }
};

pid_t spawn(const std::vector<std::string>& command, int out, int error) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, error, STDERR_FILENO);
  // In a group of its own: Ctrl-C is ours, and we stop it.
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none;
  sigemptyset(&none);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setpgroup(&attributes, 0);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
  std::vector<char*> arguments;
  for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  pid_t pid = 0;
  const int failed =
      posix_spawnp(&pid, arguments[0], &actions, &attributes, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  if (failed != 0) {
    throw CliError("cannot run " + command.front() + ": " + std::strerror(failed) +
                   "; is atolld installed beside atoll?");
  }
  return pid;
}

std::string fileUrl(const std::string& directory) {
  std::string url = "file://";
  for (const auto part : std::views::split(directory, '/')) {
    if (!part.empty()) url += "/" + percentEncode(std::string_view(part));
  }
  return url + "/";
}

std::string configText(const PrivateNode::Options& options) {
  std::string text = "[script]\nerrors = \"shown\"\n";
  if (!options.inspectPort) return text;
  // Who looks at a breakpoint takes time.
  return text + "wall_ms_max = 86400000\nsource_root = \"" + fileUrl(options.sourceDirectory) +
         "\"\n[listen]\ninspect = \"127.0.0.1:" + std::to_string(*options.inspectPort) + "\"\n";
}

// What is there by now; empty at the end.
std::string readSome(int fd) {
  std::array<char, 4096> buffer;
  for (;;) {
    const ssize_t size = read(fd, buffer.data(), buffer.size());
    if (size >= 0) return {buffer.data(), static_cast<std::size_t>(size)};
    if (errno != EINTR) return {};
  }
}

}  // namespace

PrivateNode::PrivateNode(const Options& options, OnLine onLine) : onLine_(std::move(onLine)) {
  const Pipe out, log;
  out_ = out.ends[0];
  log_ = log.ends[0];
  const std::string any = "127.0.0.1:0";
  const std::string config = options.dataDirectory + ".toml";
  writeFile(config, configText(options));
  pid_ = spawn({serverProgram(), "standalone", "--data", options.dataDirectory, "--http",
                "127.0.0.1:" + std::to_string(options.port), "--https", any, "--control", any,
                "--admin", any, "--shards", "1", "--config", config},
               out.ends[1], log.ends[1]);
  close(out.ends[1]);
  close(log.ends[1]);
  reader_ = std::thread([this] { readLog(); });
  try {
    readReady();
  } catch (...) {
    kill(pid_, SIGTERM);
    waitpid(pid_, nullptr, 0);
    reader_.join();
    close(out_);
    close(log_);
    throw lastWords_.empty() ? CliError("atolld ended before it was ready") : CliError(lastWords_);
  }
}

PrivateNode::~PrivateNode() {
  kill(pid_, SIGTERM);
  while (waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
  reader_.join();
  close(out_);
  close(log_);
}

void PrivateNode::readReady() {
  std::string text;
  while (!text.contains('\n')) {
    const std::string some = readSome(out_);
    if (some.empty()) throw CliError("");
    text += some;
  }
  const Json ready = Json::parse(text.substr(0, text.find('\n')));
  const auto portOf = [](const std::string& address) {
    return std::stoi(address.substr(address.rfind(':') + 1));
  };
  port_ = portOf(ready.at("http"));
  controlUrl_ = "http://127.0.0.1:" + std::to_string(portOf(ready.at("control")));
  inspectAddress_ = ready.value("inspect", "");
  token_ = readFile(ready.at("token_file"));
  while (token_.ends_with('\n')) token_.pop_back();
}

void PrivateNode::readLog() {
  std::string text;
  for (std::string some = readSome(log_); !some.empty(); some = readSome(log_)) {
    text += some;
    for (std::size_t end = text.find('\n'); end != text.npos; end = text.find('\n')) {
      const std::string line = text.substr(0, end);
      text.erase(0, end + 1);
      const Json parsed = Json::parse(line, nullptr, /*allow_exceptions=*/false);
      if (parsed.is_object()) {
        onLine_(parsed);
      } else if (!line.empty()) {
        lastWords_ = line;
      }
    }
  }
}

}  // namespace atolld::cli
