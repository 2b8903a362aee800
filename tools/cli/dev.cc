#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "bundle.h"
#include "commands.h"
#include "private_node.h"
#include "project.h"
#include "subprocess.h"
#include "tail_watch.h"
#include "watcher.h"

namespace atolld::cli {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

// Editors write a file in several steps: what follows this soon belongs to it.
constexpr int kSettleMillis = 15;

/// SIGINT and SIGTERM as something to poll.
class Signals {
 public:
  Signals() {
    sigset_t wanted;
    sigemptyset(&wanted);
    sigaddset(&wanted, SIGINT);
    sigaddset(&wanted, SIGTERM);
    sigprocmask(SIG_BLOCK, &wanted, &before_);
    descriptor_ = signalfd(-1, &wanted, SFD_CLOEXEC);
  }
  ~Signals() {
    close(descriptor_);
    sigprocmask(SIG_SETMASK, &before_, nullptr);
  }
  int descriptor() const noexcept { return descriptor_; }
  /// Or it would end us when it is blocked no longer.
  void take() const noexcept {
    signalfd_siginfo info;
    [[maybe_unused]] const ssize_t size = read(descriptor_, &info, sizeof info);
  }

 private:
  sigset_t before_{};
  int descriptor_ = -1;
};

/// Keys as they are pressed, where standard input is a terminal.
class Keys {
 public:
  Keys() {
    if (!isatty(STDIN_FILENO) || tcgetattr(STDIN_FILENO, &before_) != 0) return;
    termios raw = before_;
    raw.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
    isOn_ = tcsetattr(STDIN_FILENO, TCSANOW, &raw) == 0;
  }
  ~Keys() {
    if (isOn_) tcsetattr(STDIN_FILENO, TCSANOW, &before_);
  }
  int descriptor() const noexcept { return isOn_ ? STDIN_FILENO : -1; }

 private:
  termios before_{};
  bool isOn_ = false;
};

/// One line each, from two threads: for people, or one JSON object a line.
class Screen {
 public:
  explicit Screen(const Globals& globals) : globals_(globals) {}

  void show(const std::string& line, const Json& json) {
    const std::scoped_lock lock(mutex_);
    const std::string text =
        globals_.json ? json.dump(-1, ' ', false, Json::error_handler_t::replace) : line;
    std::fwrite(text.data(), 1, text.size(), stdout);
    std::fputc('\n', stdout);
    std::fflush(stdout);
  }

 private:
  const Globals& globals_;
  std::mutex mutex_;
};

// Of the node's log, what a script's developer wants to see.
void showLog(Screen& screen, const Json& line) {
  const std::string event = line.value("event", "");
  if (event == "console") {
    const std::string level = line.value("level", "info");
    const std::string mark = level == "info" ? "  " : level == "warn" ? "! " : "x ";
    screen.show(mark + line.value("text", ""),
                {{"event", "console"}, {"level", level}, {"text", line.value("text", "")}});
  } else if (event == "script_exception") {
    const std::string stack = line.value("stack", "");
    const std::string message = line.value("message", "");
    screen.show("x " + (stack.empty() ? message : stack),
                {{"event", "exception"}, {"message", message}, {"stack", stack}});
  } else if (event == "isolate_lost") {
    screen.show("x " + line.value("error", ""),
                {{"event", "exception"}, {"message", line.value("error", "")}});
  }
}

/// Each request that a script answered, in a line. Ends with the node.
class RequestLines {
 public:
  RequestLines(Screen& screen, Endpoint endpoint, std::string script)
      : thread_([&screen, endpoint = std::move(endpoint), script = std::move(script)] {
          ApiClient client(endpoint);
          try {
            watchTail(client, script, Json::array({{{"static_files", true}}}),
                      [&screen](const Json& item) { showRequest(screen, item); });
          } catch (const std::exception&) {
            // The lines are a comfort: what the script does is shown without them.
          }
        }) {}

 private:
  static void showRequest(Screen& screen, const Json& item) {
    const Json event = item.value("event", Json::object());
    const Json request = event.value("request", Json::object());
    const Json status = event.value("response", Json::object()).value("status", Json());
    if (!request.is_object() || !request.contains("url")) return;
    const std::string url = request.value("url", "");
    const std::size_t path = url.find('/', url.find("://") + 3);
    const std::string target = path == std::string::npos ? "/" : url.substr(path);
    const std::string outcome = status.is_null() ? item.value("outcome", "") : status.dump();
    screen.show(
        request.value("method", "") + " " + target + " " + outcome + " (" + timesText(item) + ")",
        {{"event", "request"},
         {"method", request.value("method", "")},
         {"target", target},
         {"status", status},
         {"outcome", item.value("outcome", "")},
         {"cpu_us", item.value("cpuTimeMicros", Json(0))},
         {"wall_ms", item.value("wallTime", Json(0))}});
  }

  std::jthread thread_;
};

/// False: this machine has no way to.
bool openBrowser(const std::string& url) {
  const std::string command =
      "command -v xdg-open >/dev/null || exit 1; xdg-open \"$0\" >/dev/null 2>&1 &";
  return runProcess({"/bin/sh", "-c", command, url}, "/", true).exitCode == 0;
}

/// Where the names of modules lead: bundled code has a source map, whose names are the project's.
std::string sourceDirectory(const Project& project) {
  return (needsBundling(project.main) || !project.noBundle) && findEsbuild(project.directory)
             ? project.directory
             : project.baseDirectory;
}

class DevSession {
 public:
  DevSession(const Globals& globals, const DevOptions& options)
      : screen_(globals),
        project_(loadProject(options.path, options.environment)),
        watcher_(project_.directory),
        node_({.dataDirectory = dataDirectory(),
               .port = options.port,
               .inspectPort = options.inspectPort,
               .sourceDirectory = sourceDirectory(project_)},
              [this](const Json& line) { showLog(screen_, line); }) {
    deploy_.path = options.path;
    deploy_.environment = options.environment;
    deploy_.vars = options.vars;
    deploy_.isLocal = true;
    control_.url = node_.controlUrl();
    control_.token = node_.token();
    control_.isQuiet = true;
  }

  void run() {
    load("");
    const Keys keys;
    pollfd waits[] = {{signals_.descriptor(), POLLIN, 0},
                      {node_.descriptor(), POLLIN, 0},
                      {watcher_.descriptor(), POLLIN, 0},
                      {keys.descriptor(), POLLIN, 0}};
    for (;;) {
      if (poll(waits, std::size(waits), -1) < 0) continue;
      if (waits[0].revents != 0) return signals_.take();
      if (waits[1].revents != 0) throw CliError("the private node has ended");
      if (waits[2].revents != 0) onChange();
      if (waits[3].revents != 0 && !onKey()) return;
    }
  }

 private:
  std::string dataDirectory() const {
    const fs::path folder = fs::path(project_.directory) / ".atoll";
    // What a private node keeps is nobody else's.
    if (!fs::exists(folder / ".gitignore")) writeFile((folder / ".gitignore").string(), "*\n");
    return (folder / "dev").string();
  }

  std::string url() const { return "http://localhost:" + std::to_string(node_.port()) + "/"; }

  // Builds and swaps in; what goes wrong is shown, and the version before goes on.
  void load(const std::string& changed) {
    const auto begin = Clock::now();
    try {
      deploy(control_, deploy_);
    } catch (const CliError& error) {
      screen_.show(std::string("x ") + error.what(),
                   {{"event", "error"}, {"message", error.what()}});
      return;
    }
    const auto millis =
        std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - begin).count();
    const std::string behind = " (" + std::to_string(millis) + " ms)";
    if (std::exchange(isReady_, true)) {
      screen_.show("Reloaded " + changed + behind,
                   {{"event", "reloaded"}, {"file", changed}, {"ms", millis}});
      return;
    }
    requests_.emplace(screen_, Endpoint{control_.url, control_.token}, project_.name);
    Json ready = {{"event", "ready"}, {"url", url()}, {"ms", millis}};
    std::string debugging;
    if (!node_.inspectAddress().empty()) {
      ready["inspect"] = node_.inspectAddress();
      debugging = "; debug on " + node_.inspectAddress() + " (chrome://inspect, VS Code: attach)";
    }
    screen_.show("Ready on " + url() + behind + debugging, ready);
  }

  void onChange() {
    std::string changed = watcher_.takeChange();
    pollfd more{watcher_.descriptor(), POLLIN, 0};
    while (poll(&more, 1, kSettleMillis) > 0) {
      if (std::string next = watcher_.takeChange(); !next.empty()) changed = std::move(next);
    }
    if (changed.empty()) return;
    load(changed);
    // What a build command made is no change of the developer's.
    if (!project_.buildCommand.empty()) watcher_.takeChange();
  }

  bool onKey() {
    char key = 0;
    if (read(STDIN_FILENO, &key, 1) != 1 || key == 'q' || key == 'x') return false;
    if (key == 'c') std::fputs("\x1b[2J\x1b[H", stdout), std::fflush(stdout);
    if (key == 'r') load("");
    if (key == 'o' && !openBrowser(url())) screen_.show("Open " + url(), {{"event", "open"}});
    return true;
  }

  Screen screen_;
  const Signals signals_;  // Before the node's thread: it inherits what is blocked.
  const Project project_;
  Watcher watcher_;
  DeployOptions deploy_;
  Globals control_;
  bool isReady_ = false;
  std::optional<RequestLines> requests_;  // Goes when the node has: that ends its thread.
  PrivateNode node_;                      // Last: its thread uses the screen.
};

}  // namespace

void dev(const Globals& globals, const DevOptions& options) {
  DevSession session(globals, options);
  session.run();
}

}  // namespace atolld::cli
