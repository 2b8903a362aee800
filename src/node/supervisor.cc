#include "node/supervisor.h"

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <optional>

#include "telemetry/log.h"

namespace atolld::node {
namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

constexpr milliseconds kDelayMin{100}, kDelayMax{5'000};
/// A child that lived as long was no failed start.
constexpr std::chrono::seconds kGoodLife{10};
constexpr int kRefusalsMax = 2;  // Exit codes 1 and 2: another one would refuse as well.

sigset_t watched() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGCHLD, SIGTERM, SIGINT}) sigaddset(&set, signal);
  return set;
}

void pause(milliseconds delay, const sigset_t& signals, bool& stopping) {
  const timespec time{.tv_sec = delay.count() / 1000, .tv_nsec = delay.count() % 1000 * 1'000'000};
  const int signal = sigtimedwait(&signals, nullptr, &time);
  stopping = stopping || signal == SIGTERM || signal == SIGINT;
}

/// The child's wait status; passes signals on to it meanwhile.
int waitFor(pid_t child, const sigset_t& signals, bool& stopping) {
  while (true) {
    int status = 0;
    if (waitpid(child, &status, WNOHANG) == child) return status;
    const int signal = sigwaitinfo(&signals, nullptr);
    if (signal != SIGTERM && signal != SIGINT) continue;
    stopping = true;
    kill(child, signal);
  }
}

}  // namespace

int supervise(const std::function<int()>& serve) {
  const sigset_t signals = watched();
  sigset_t before;
  pthread_sigmask(SIG_BLOCK, &signals, &before);
  const pid_t supervisor = getpid();
  milliseconds delay = kDelayMin;
  for (bool stopping = false; !stopping;) {
    const Clock::time_point started = Clock::now();
    const pid_t child = fork();
    if (child == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      if (getppid() != supervisor) _exit(1);
      pthread_sigmask(SIG_SETMASK, &before, nullptr);
      return serve();
    }
    if (child < 0) {
      telemetry::log(telemetry::Level::Error, "fork_failed");
      return 1;
    }
    const int status = waitFor(child, signals, stopping);
    const bool exited = WIFEXITED(status);
    const int code = exited ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    if (stopping || (exited && code <= kRefusalsMax)) return code;
    telemetry::log(telemetry::Level::Error, "restarting",
                   {{"exit_code", static_cast<std::int64_t>(code)}});
    delay = Clock::now() - started >= kGoodLife ? kDelayMin : std::min(delay * 2, kDelayMax);
    pause(delay, signals, stopping);
  }
  return 0;
}

}  // namespace atolld::node
