// store_chaos kill [--rounds N] [--seed S]   a process that commits in a storm is killed at a
// random
//                                            instant, again and again on one data directory
// store_chaos disk-full                      the disk fills up (a small tmpfs if the kernel lets us
//                                            mount one) or a file hits the process's size limit
//
// After each of them: everything acknowledged is there, the log verifies, and replaying it from
// empty gives exactly what the database holds.

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <spawn.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <format>
#include <mutex>
#include <random>
#include <span>
#include <thread>

#include "base/check.h"
#include "store/test_support.h"
#include "store_storm.h"

namespace {

using namespace atolld;
using namespace atolld::chaos;
using atolld::store::testing::TempDirectory;

/// Per stream, the number of its last step that was acknowledged.
using Progress = std::array<std::uint64_t, kStreamCount>;

/// What a storming process writes to its pipe for each acknowledged step: shorter than PIPE_BUF, so
/// it is there whole or not at all.
struct Acknowledgement {
  std::uint64_t stream = 0;
  std::uint64_t number = 0;
};

struct Open {
  std::unique_ptr<store::Database> database;
  store::KvStore kv;
  deploy::Registry registry;
};

const SystemClock& systemClock() {
  static const SystemClock clock;
  return clock;
}

Result<std::unique_ptr<Open>> open(const std::string& path) {
  ATOLL_TRY(std::unique_ptr<store::Database> database,
            store::Database::open({.path = path}, systemClock()));
  store::Database& borrowed = *database;
  return std::make_unique<Open>(Open{.database = std::move(database),
                                     .kv = store::KvStore(borrowed, systemClock()),
                                     .registry = deploy::Registry(borrowed, systemClock())});
}

/// Runs every stream in a thread of its own until its step fails. @return one of the errors.
template <class OnAcknowledged>
Error storm(Open& open, Progress start, const OnAcknowledged& onAcknowledged) {
  std::mutex mutex;
  Error failure;
  std::vector<std::thread> threads;
  for (int stream = 0; stream < kStreamCount; ++stream) {
    threads.emplace_back([&, stream] {
      Step step{.stream = stream, .number = start[static_cast<std::size_t>(stream)] + 1};
      while (true) {
        const Result<> performed = perform(step, open.kv, open.registry);
        if (!performed) {
          const std::scoped_lock lock(mutex);
          failure = performed.error();
          return;
        }
        onAcknowledged(step);
        ++step.number;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  return failure;
}

/// Opens the database and checks it against what was acknowledged. @return what it really holds.
Result<Progress> check(const std::string& path, const Progress& acknowledged) {
  ATOLL_TRY(const std::unique_ptr<Open> opened, open(path));
  ATOLL_TRY_VOID(opened->database->verifyLog());
  ATOLL_TRY_VOID(opened->database->verifyReplay());
  Progress holds{};
  for (std::size_t stream = 0; stream < kStreamCount; ++stream) {
    ATOLL_TRY(holds[stream], checkStream(static_cast<int>(stream), acknowledged[stream], opened->kv,
                                         opened->registry));
  }
  return holds;
}

int failed(std::string_view what, const Error& error) {
  std::fprintf(stderr, "FAILED: %.*s: %s\n", static_cast<int>(what.size()), what.data(),
               error.detail.c_str());
  return 1;
}

std::uint64_t parseNumber(std::string_view text) {
  std::uint64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

// --- kill ---

/// The process that will be killed. argv: storm DIRECTORY FD, then each stream's last step.
int stormUntilKilled(std::span<char*> arguments) {
  const int fd = static_cast<int>(parseNumber(arguments[1]));
  Progress start{};
  for (std::size_t i = 0; i < kStreamCount; ++i) start[i] = parseNumber(arguments[2 + i]);
  auto opened = open(arguments[0]);
  if (!opened) return failed("opening in the storm", opened.error());
  const Error error = storm(**opened, start, [fd](const Step& step) {
    const Acknowledgement told{.stream = static_cast<std::uint64_t>(step.stream),
                               .number = step.number};
    ATOLL_CHECK(::write(fd, &told, sizeof told) == sizeof told);
  });
  return failed("a step of the storm", error);
}

pid_t spawnStorm(const std::string& directory, int fd, const Progress& start) {
  std::vector<std::string> words = {"store_chaos", "storm", directory, std::to_string(fd)};
  for (const std::uint64_t number : start) words.push_back(std::to_string(number));
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  pid_t pid = -1;
  const int error =
      ::posix_spawn(&pid, "/proc/self/exe", nullptr, nullptr, arguments.data(), environ);
  ATOLL_CHECK(error == 0);
  return pid;
}

/// Takes what the pipe has into `acknowledged`. @return whether there may be more.
bool readAcknowledgement(int fd, Progress& acknowledged) {
  Acknowledgement told;
  const ssize_t size = ::read(fd, &told, sizeof told);
  if (size == 0) return false;
  ATOLL_CHECK(size == sizeof told && told.stream < kStreamCount);
  acknowledged[told.stream] = told.number;
  return true;
}

/// Storms until a random instant: after some acknowledgements, or some time after the start, when
/// the process may still be recovering from the round before.
Result<> stormOnce(const std::string& directory, std::mt19937_64& random, Progress& acknowledged) {
  std::array<int, 2> pipe{};
  ATOLL_CHECK(::pipe(pipe.data()) == 0);
  ATOLL_CHECK(::fcntl(pipe[0], F_SETFD, FD_CLOEXEC) == 0);
  const pid_t pid = spawnStorm(directory, pipe[1], acknowledged);
  ::close(pipe[1]);

  const bool isEarly = random() % 4 == 0;
  bool isOpen = true;
  if (isEarly) {
    pollfd nothing{.fd = -1, .events = 0, .revents = 0};
    ::poll(&nothing, 1, static_cast<int>(random() % 60));
  } else {
    for (std::uint64_t left = random() % 300; left > 0 && isOpen; --left) {
      isOpen = readAcknowledgement(pipe[0], acknowledged);
    }
  }
  ::kill(pid, SIGKILL);
  while (isOpen) isOpen = readAcknowledgement(pipe[0], acknowledged);
  ::close(pipe[0]);
  int status = 0;
  ATOLL_CHECK(::waitpid(pid, &status, 0) == pid);
  if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL) {
    return fail(ErrorCode::Internal, "the storm ended by itself: its error stands above");
  }
  return {};
}

int killRounds(std::uint64_t rounds, std::uint64_t seed) {
  std::printf("kill: %lu rounds, seed %lu\n", rounds, seed);
  std::mt19937_64 random(seed);
  const TempDirectory directory;
  Progress progress{};
  for (std::uint64_t round = 1; round <= rounds; ++round) {
    const Progress before = progress;
    if (const Result<> stormed = stormOnce(directory.path(), random, progress); !stormed) {
      return failed(std::format("round {}", round), stormed.error());
    }
    std::uint64_t steps = 0;
    for (std::size_t i = 0; i < kStreamCount; ++i) steps += progress[i] - before[i];
    const Result<Progress> holds = check(directory.path(), progress);
    if (!holds) return failed(std::format("round {} after {} steps", round, steps), holds.error());
    std::printf("round %lu: %lu steps acknowledged, all there\n", round, steps);
    progress = *holds;
  }
  return 0;
}

// --- disk-full ---

/// Storms until the disk refuses, then checks that the database refuses too, in clear words, and
/// that `mend` and a reopening bring everything acknowledged back.
Result<> fillUp(const std::string& path, std::string_view expectedText,
                const std::function<void()>& mend) {
  std::array<std::atomic<std::uint64_t>, kStreamCount> told{};
  {
    ATOLL_TRY(const std::unique_ptr<Open> opened, open(path));
    const Error error = storm(*opened, {}, [&](const Step& step) {
      told[static_cast<std::size_t>(step.stream)] = step.number;
    });
    std::printf("  refused: %s\n", error.detail.c_str());
    if (error.code != ErrorCode::Io || !error.detail.contains(expectedText)) {
      return fail(ErrorCode::Internal, "the refusal is not Io or does not say why");
    }
    const auto again = opened->kv.put(kNamespace, {store::KvPut{.key = "k", .value = {}}});
    if (again || again.error().code != ErrorCode::Io) {
      return fail(ErrorCode::Internal, "a commit after the failure was not refused");
    }
    // What was acknowledged can still be read: an edge goes on serving.
    for (std::size_t i = 0; i < kStreamCount; ++i) {
      ATOLL_TRY_VOID(checkStream(static_cast<int>(i), told[i], opened->kv, opened->registry));
    }
  }
  mend();
  Progress acknowledged{};
  std::uint64_t steps = 0;
  for (std::size_t i = 0; i < kStreamCount; ++i) {
    acknowledged[i] = told[i];
    steps += acknowledged[i];
  }
  ATOLL_TRY(const Progress holds, check(path, acknowledged));
  ATOLL_TRY(const std::unique_ptr<Open> opened, open(path));
  ATOLL_TRY_VOID(perform({.stream = 0, .number = holds[0] + 1}, opened->kv, opened->registry));
  std::printf("  %lu steps acknowledged, all there, and commits go on\n", steps);
  return {};
}

Result<> fillFileLimit() {
  std::printf("disk-full: the process's file size limit\n");
  const TempDirectory directory;
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit limit{};
  ATOLL_CHECK(::getrlimit(RLIMIT_FSIZE, &limit) == 0);
  const rlim_t before = limit.rlim_cur;
  limit.rlim_cur = 4 * 1024 * 1024;
  ATOLL_CHECK(::setrlimit(RLIMIT_FSIZE, &limit) == 0);
  return fillUp(directory.path(), "File too large", [&] {
    limit.rlim_cur = before;
    ATOLL_CHECK(::setrlimit(RLIMIT_FSIZE, &limit) == 0);
  });
}

/// In a mount namespace of our own, so that nothing outside sees it or has to clean it up.
Result<> fillSmallDisk() {
  const TempDirectory directory;
  const char* const path = directory.path().c_str();
  if (::unshare(CLONE_NEWNS) != 0 ||
      ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
      ::mount("atoll-chaos", path, "tmpfs", 0, "size=16m") != 0) {
    std::printf("disk-full: no small disk, mounting is not permitted here: %s\n",
                std::strerror(errno));
    return {};
  }
  std::printf("disk-full: a disk of 16 MiB\n");
  const Result<> filled = fillUp(directory.path(), "the disk is full", [&] {
    ATOLL_CHECK(::mount(nullptr, path, nullptr, MS_REMOUNT, "size=256m") == 0);
  });
  ::umount(path);
  return filled;
}

int diskFull() {
  // The mount is seen by this thread and those it starts from now on, so it comes before RocksDB
  // starts any.
  if (const Result<> filled = fillSmallDisk(); !filled) return failed("disk-full", filled.error());
  if (const Result<> filled = fillFileLimit(); !filled) return failed("disk-full", filled.error());
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  const std::span<char*> arguments(argv, static_cast<std::size_t>(argc));
  const std::string_view mode = argc > 1 ? arguments[1] : "";
  if (mode == "storm" && argc == 4 + kStreamCount) return stormUntilKilled(arguments.subspan(2));
  if (mode == "disk-full") return diskFull();
  std::uint64_t rounds = 20;
  std::uint64_t seed = std::random_device()();
  for (std::size_t i = 2; i + 1 < arguments.size(); i += 2) {
    if (std::string_view(arguments[i]) == "--rounds") rounds = parseNumber(arguments[i + 1]);
    if (std::string_view(arguments[i]) == "--seed") seed = parseNumber(arguments[i + 1]);
  }
  if (mode == "kill") return killRounds(rounds, seed);
  std::fprintf(stderr, "usage: store_chaos kill [--rounds N] [--seed S] | disk-full\n");
  return 2;
}
