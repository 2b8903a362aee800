/// atolld: reads the command line, starts V8 where it is needed, and runs a node.
#include <malloc.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <thread>

#include "base/clock.h"
#include "base/encoding.h"
#include "config/command_line.h"
#include "isolate/builtin_snapshot.h"
#include "isolate/isolate.h"
#include "loop/signal_watcher.h"
#include "node/containment.h"
#include "node/crash_report.h"
#include "node/node.h"
#include "node/supervisor.h"
#include "shard/write_offs.h"
#include "store/database.h"
#include "store/replica_directory.h"
#include "telemetry/log.h"
#include "webapi/guest.h"

namespace {

using namespace atolld;

constexpr std::string_view kVersion = ATOLL_VERSION;
constexpr int kExitFailed = 1;
constexpr int kExitUsage = 2;
constexpr int kExitWornOut = 75;  // EX_TEMPFAIL: whoever supervises starts another.

int complain(const Error& error, int exitCode) {
  std::fprintf(stderr, "atolld: %s\n", error.detail.c_str());
  return exitCode;
}

void setLogLevel(const std::string& level) {
  using telemetry::Level;
  telemetry::setLogLevel(level == "debug"   ? Level::Debug
                         : level == "warn"  ? Level::Warn
                         : level == "error" ? Level::Error
                                            : Level::Info);
}

/// `atolld verify-log --data DIR`: checks the whole log's chain, and that replaying it gives the
/// data; the node must not be running. The digest is over every row: equal logs give equal ones.
int verifyLog(const config::Config& config) {
  const SystemClock clock;
  const auto replica = store::findReplica(config.dataDir);
  if (!replica) return complain(replica.error(), kExitFailed);
  const auto database = store::Database::open({.path = *replica}, clock);
  if (!database) return complain(database.error(), kExitFailed);
  const auto position = (*database)->verifyLog();
  if (!position) return complain(position.error(), kExitFailed);
  const auto digest = (*database)->digest();
  if (!digest) return complain(digest.error(), kExitFailed);
  std::printf(
      "{\"verified\":true,\"index\":%llu,\"history\":\"%s\",\"hash\":\"%s\",\"digest\":\"%s\"}\n",
      static_cast<unsigned long long>(position->index), toHex(position->history).c_str(),
      toHex(position->hash).c_str(), toHex(*digest).c_str());
  return 0;
}

/// glibc gives freed memory back so eagerly that a response of 100 KB pays for fresh pages each
/// time (84 us of CPU against 35). What is freed stays for the next response, to these bounds. Few
/// arenas: isolates move between threads, and what one arena has free another cannot use.
void tuneAllocator() {
  constexpr int kMiB = 1024 * 1024;
  mallopt(M_MMAP_THRESHOLD, kMiB);
  mallopt(M_TRIM_THRESHOLD, 64 * kMiB);
  mallopt(M_TOP_PAD, kMiB);
  mallopt(M_ARENA_MAX, 2 * std::max(1, static_cast<int>(std::thread::hardware_concurrency())));
}

/// Before any thread is made, and any file that scripts could be after is open.
Result<> prepare(const config::Config& config) {
  std::error_code error;
  std::filesystem::create_directories(config.dataDir, error);  // Told by whoever opens it.
  ATOLL_TRY(const auto crashed, node::reportCrashes(config.dataDir + "/crashes"));
  for (const std::string& version : crashed) {
    telemetry::log(telemetry::Level::Error, "quarantined",
                   {{"version", std::string_view(version)}});
    shard::WriteOffs::ofProcess().quarantine(version);
  }
  if (config.process.contain == "off") return {};
  node::ContainmentOptions options{.writable = {config.dataDir},
                                   .filterSystemCalls = config.process.contain == "full"};
  for (const config::Certificate& each : config.tls.certificates) {
    options.readable.insert(options.readable.end(), {each.certificateFile, each.keyFile});
  }
  for (const char* const name : {"SSL_CERT_FILE", "SSL_CERT_DIR"}) {  // OpenSSL's own.
    if (const char* const path = std::getenv(name)) options.readable.emplace_back(path);
  }
  node::containAndLog(options);
  return {};
}

int serve(const config::CommandLine& line) {
  tuneAllocator();
  if (const Result<> prepared = prepare(line.config); !prepared) {
    return complain(prepared.error(), kExitFailed);
  }
  isolate::Platform::start(isolate::builtinSnapshot(), webapi::guest());
  {
    node::Node node(line, kVersion);
    if (const Result<> started = node.start(); !started) {
      const bool isUsage = started.error().code == ErrorCode::InvalidArgument;
      return complain(started.error(), isUsage ? kExitUsage : kExitFailed);
    }
    std::printf("%s\n", node.readyLine().c_str());
    std::fflush(stdout);
    node.run();
  }
  const shard::WriteOffs& writeOffs = shard::WriteOffs::ofProcess();
  const int code = writeOffs.wornOut() ? kExitWornOut : 0;
  if (writeOffs.count() == 0) return code;
  std::fflush(nullptr);
  _exit(code);  // Threads may still be in V8.
}

}  // namespace

int main(int argc, char** argv) {
  loop::ignoreBrokenPipes();
  const std::span<const char* const> arguments(argv + 1, static_cast<std::size_t>(argc - 1));
  const auto parsed = config::parseCommandLine(arguments, kVersion);
  if (!parsed) return complain(parsed.error(), kExitUsage);
  if (const auto* const printout = std::get_if<config::Printout>(&*parsed)) {
    std::printf("%s", printout->text.c_str());
    return 0;
  }
  const auto& line = std::get<config::CommandLine>(*parsed);
  setLogLevel(line.config.log.level);
  switch (line.mode) {
    case config::Mode::Standalone:
    case config::Mode::Control:
    case config::Mode::Edge:
      if (line.config.process.supervise != "on") return serve(line);
      return node::supervise([&line] { return serve(line); });
    case config::Mode::VerifyLog:
      return verifyLog(line.config);
  }
  return kExitFailed;
}
