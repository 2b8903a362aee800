/// atolld: the one place that knows every module. Builds a node from its configuration, wires the
/// modules together, runs until SIGTERM or SIGINT, drains.
#include <malloc.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <span>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "config/command_line.h"
#include "control/admin_handler.h"
#include "control/control_handler.h"
#include "deploy/registry.h"
#include "deploy/version_cache.h"
#include "dispatch/dispatcher.h"
#include "gateway/live_table.h"
#include "gateway/publisher.h"
#include "isolate/builtin_snapshot.h"
#include "isolate/isolate.h"
#include "listen/listener.h"
#include "loop/loop.h"
#include "loop/mailbox.h"
#include "loop/resolver.h"
#include "loop/signal_watcher.h"
#include "loop/socket.h"
#include "loop/thread_pool.h"
#include "loop/timer.h"
#include "setup/options.h"
#include "shard/shard.h"
#include "shard/trial.h"
#include "store/cache_store.h"
#include "store/database.h"
#include "store/kv_store.h"
#include "store/token_store.h"
#include "telemetry/log.h"
#include "tls/certificate_store.h"
#include "tls/context.h"
#include "tls/ticket_keys.h"
#include "upstream/client.h"
#include "webapi/guest.h"

namespace {

using namespace atolld;
namespace fs = std::filesystem;

constexpr std::string_view kVersion = ATOLL_VERSION;
constexpr int kExitFailed = 1;
constexpr int kExitUsage = 2;
constexpr std::size_t kStorageThreadCount = 4;
constexpr std::chrono::seconds kExpiryInterval{60};
constexpr std::size_t kExpiryCountMax = 1000;
constexpr std::uint64_t kVersionCacheBytes = 256ull * 1024 * 1024;

// ---- files --------------------------------------------------------------------------------------

/// Writes a file that only its owner reads, whole or not at all.
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

// ---- state --------------------------------------------------------------------------------------

/// The replica and everything that reads and writes it; outlives every thread that does.
struct State {
  State(std::unique_ptr<store::Database> opened, std::unique_ptr<store::CacheStore> openedCache,
        const Clock& clock, const config::Config& config)
      : database(std::move(opened)),
        cache(std::move(openedCache)),
        registry(*database, clock,
                 {.scriptBytesMax = config.script.sizeBytesMax,
                  .moduleCountMax = config.script.modulesMax,
                  .bindingCountMax = config.script.bindingsMax,
                  .bindingBytesMax = config.script.bindingBytesMax}),
        versions(registry, kVersionCacheBytes),
        kv(*database, clock),
        tokens(*database, clock),
        publisher(registry, table,
                  {.defaultDomain = config.defaultDomain,
                   .defaultTenant = std::string(store::kDefaultTenant)}),
        storage("storage", kStorageThreadCount) {}

  std::unique_ptr<store::Database> database;
  std::unique_ptr<store::CacheStore> cache;
  deploy::Registry registry;
  deploy::VersionCache versions;
  store::KvStore kv;
  store::TokenStore tokens;
  gateway::LiveTable table;
  gateway::Publisher publisher;
  loop::ThreadPool storage;  // Last: its jobs use all of the above.
};

Result<std::unique_ptr<State>> openState(const config::Config& config, const Clock& clock) {
  std::error_code error;
  fs::create_directories(config.dataDir, error);
  if (error) {
    return fail(ErrorCode::Io, config.dataDir + ": cannot be made (" + error.message() +
                                   "); name a writable directory with --data");
  }
  ATOLL_TRY(auto database, store::Database::open({.path = config.dataDir + "/replica",
                                                  .blockCacheBytes = config.cache.blockBytes},
                                                 clock));
  ATOLL_TRY(auto cache, store::CacheStore::open(config.dataDir + "/cache", clock, {}));
  auto state = std::make_unique<State>(std::move(database), std::move(cache), clock, config);
  state->database->onCommitted(
      [publisher = &state->publisher](const store::Position&, std::uint32_t families) {
        publisher->onCommitted(families);
      });
  ATOLL_TRY(const auto first,
            store::startTenancy(*state->database, clock, [&](const store::NewToken& token) {
              return writeSecretFile(config::tokenFile(config.dataDir), token.secret + "\n");
            }));
  ATOLL_TRY_VOID(state->publisher.publish());
  return state;
}

// ---- TLS ----------------------------------------------------------------------------------------

/// The authority for development: made once, so that whoever trusted it goes on doing so.
Result<std::shared_ptr<tls::DevelopmentAuthority>> developmentAuthority(
    const config::Config& config, const Clock& clock) {
  const fs::path file = config::developmentCaFile(config.dataDir);
  const fs::path keyFile = fs::path(config.dataDir) / "development-ca-key.pem";
  const auto pem = readFile(file);
  const auto keyPem = readFile(keyFile);
  if (pem && keyPem) {
    auto kept = tls::DevelopmentAuthority::fromPem(*pem, *keyPem, config.defaultDomain, clock);
    if (kept) return kept;
  }
  ATOLL_TRY(auto made, tls::DevelopmentAuthority::create(config.defaultDomain, clock));
  ATOLL_TRY_VOID(writeSecretFile(keyFile, made->privateKeyPem()));
  ATOLL_TRY_VOID(writeSecretFile(file, made->certificatePem()));
  return made;
}

Result<std::shared_ptr<const tls::CertificateStore>> loadCertificates(const config::Config& config,
                                                                      const Clock& clock) {
  tls::Certificates certificates;
  bool first = true;
  for (const config::Certificate& each : config.tls.certificates) {
    ATOLL_TRY(const std::string chain, readFile(each.certificateFile));
    ATOLL_TRY(const std::string key, readFile(each.keyFile));
    auto certificate = tls::Certificate::fromPem(chain, key);
    if (!certificate) return fail(certificate.error(), each.certificateFile);
    certificates.add(*certificate);
    for (const std::string& host : each.hosts) certificates.add(host, *certificate);
    if (std::exchange(first, false)) certificates.setDefault(*certificate);
  }
  if (first) {
    ATOLL_TRY(auto authority, developmentAuthority(config, clock));
    ATOLL_TRY(const tls::Certificate fallback, authority->issueDefault());
    certificates.setDefault(fallback);
    certificates.setAuthority(std::move(authority));
  }
  return std::make_shared<const tls::CertificateStore>(std::move(certificates));
}

// ---- listening ----------------------------------------------------------------------------------

/// The sockets of one configured address, one a shard, and the address the kernel gave.
struct Bound {
  std::vector<loop::Descriptor> sockets;
  std::string address;
  std::uint16_t port = 0;
};

Result<Bound> bindAddress(const std::optional<config::Address>& address, std::size_t count) {
  Bound bound;
  if (!address) return bound;
  ATOLL_TRY(const loop::SocketAddress wanted, loop::SocketAddress::parse(address->toString()));
  auto opened = loop::openListenSockets(wanted, count);
  if (!opened) return fail(opened.error(), address->toString());
  bound.sockets = *std::move(opened);
  ATOLL_TRY(const loop::SocketAddress local, loop::localAddress(bound.sockets.front().get()));
  bound.address = local.toString();
  bound.port = local.port();
  return bound;
}

// ---- a shard's engine ---------------------------------------------------------------------------

/// What one shard serves: its dispatcher, and its listeners in front of it.
class EdgeEngine final : public shard::Engine {
 public:
  EdgeEngine(const dispatch::Node& node, loop::Loop& loop, loop::Mailbox& mailbox,
             const shard::SchedulerLimits& limits, const upstream::ClientOptions& upstreamOptions)
      : resolver_(loop, node.storage),
        upstream_(loop, resolver_, upstreamOptions),
        dispatcher_(node, loop, mailbox, upstream_, limits),
        loop_(loop) {}

  Result<> listen(listen::ListenerOptions options) {
    listeners_.push_back(
        std::make_unique<listen::Listener>(loop_, std::move(options), dispatcher_));
    return listeners_.back()->start();
  }

  /// `onDrained` is called once, when the last connection is closed.
  void drain(std::function<void()> onDrained) {
    draining_ = listeners_.size();
    if (draining_ == 0) return onDrained();
    for (const auto& listener : listeners_) {
      listener->drain([this, onDrained] {
        if (--draining_ == 0) onDrained();
      });
    }
  }

  shard::Scheduler& scheduler() override { return dispatcher_.scheduler(); }
  void beforeSlices() override { dispatcher_.beforeSlices(); }

 private:
  loop::Resolver resolver_;
  upstream::Client upstream_;
  dispatch::Dispatcher dispatcher_;
  loop::Loop& loop_;
  std::vector<std::unique_ptr<listen::Listener>> listeners_;  // First to go: they call dispatcher_.
  std::size_t draining_ = 0;
};

// ---- the node -----------------------------------------------------------------------------------

/// Ends the process if what is in its scope does not come to an end: the few built-ins of V8 that
/// cannot be interrupted must not keep it. Everything acknowledged is on disk by then.
class ExitGuard {
 public:
  explicit ExitGuard(std::chrono::seconds patience)
      : thread_([this, patience] {
          std::unique_lock lock(mutex_);
          if (over_.wait_for(lock, patience, [this] { return done_; })) return;
          telemetry::log(telemetry::Level::Error, "exit_forced",
                         {{"reason", std::string_view("a script cannot be interrupted")}});
          std::fflush(nullptr);
          _exit(0);
        }) {}
  ~ExitGuard() {
    {
      const std::scoped_lock lock(mutex_);
      done_ = true;
      over_.notify_one();
    }
    thread_.join();
  }
  ExitGuard(const ExitGuard&) = delete;
  ExitGuard& operator=(const ExitGuard&) = delete;

 private:
  std::mutex mutex_;
  std::condition_variable over_;
  bool done_ = false;
  std::thread thread_;  // Last: it uses the rest.
};

/// A standalone node: the control plane on the main thread's loop, the edge on its shards.
class Standalone {
 public:
  explicit Standalone(const config::Config& config) : config_(config) {}

  Result<> start() {
    ATOLL_TRY(state_, openState(config_, clock_));
    node_.emplace(dispatch::Node{
        state_->table,
        state_->versions,
        state_->kv,
        *state_->cache,
        state_->storage,
        compute_,
        {.cpuMax = config_.script.cpuTimeMax,
         .wallMillisMax = static_cast<std::uint64_t>(config_.script.wallTimeMax.count()),
         .waitUntilMillisMax =
             static_cast<std::uint64_t>(config_.script.waitUntilTimeMax.count())}});
    const std::size_t cores = std::max(1u, std::thread::hardware_concurrency());
    shardCount_ = config_.shards == 0 ? cores : config_.shards;
    ATOLL_TRY(http_, bindAddress(config_.listen.http, shardCount_));
    ATOLL_TRY(https_, bindAddress(config_.listen.https, shardCount_));
    ATOLL_TRY(control_, bindAddress(config_.listen.control, 1));
    ATOLL_TRY(admin_, bindAddress(config_.listen.admin, 1));
    if (https_.port != 0) {
      ATOLL_TRY(certificates_, loadCertificates(config_, clock_));
    }
    ATOLL_TRY(upstreamOptions_, setup::outboundOptions(config_));
    ATOLL_TRY_VOID(startShards());
    return startControl();
  }

  void printReady() const {
    nlohmann::ordered_json line{{"ready", true}};
    const auto add = [&line](const char* name, const Bound& bound) {
      line[name] =
          bound.port == 0 ? nlohmann::ordered_json() : nlohmann::ordered_json(bound.address);
    };
    add("http", http_);
    add("https", https_);
    add("control", control_);
    add("admin", admin_);
    line["token_file"] = config::tokenFile(config_.dataDir);
    if (https_.port != 0 && config_.tls.certificates.empty()) {
      line["ca_file"] = config::developmentCaFile(config_.dataDir);
    }
    line["pid"] = getpid();
    std::printf("%s\n", line.dump().c_str());
    std::fflush(stdout);
  }

  /// Until a signal has come and everything is drained.
  void run() {
    scheduleExpiry();
    const loop::SignalWatcher term(loop_, SIGTERM, [this] { drain("SIGTERM"); });
    const loop::SignalWatcher interrupt(loop_, SIGINT, [this] { drain("SIGINT"); });
    while (!drained_) {
      loop_.run(true);
      loop_.runDeferred();
    }
    {
      const ExitGuard guard(std::chrono::seconds(10));
      shards_.clear();
    }
    listeners_.clear();
    controlHandler_.reset();
    adminHandler_.reset();
    mailbox_.close();
  }

 private:
  Result<> startShards() {
    const shard::SchedulerLimits limits{
        .workersMax = std::max<std::size_t>(1, setup::isolatesMax(config_) / shardCount_),
        .poolCount = config_.script.isolatePool,
        .isolate = setup::isolateLimits(config_)};
    const shard::RunnerLimits runnerLimits{.cpuMax = config_.script.cpuTimeMax,
                                           .quantum = config_.script.sliceQuantum,
                                           .sparesMax = config_.script.spareThreadsMax};
    const auto ticketKeys = std::make_shared<tls::TicketKeys>(clock_);
    for (std::size_t i = 0; i < shardCount_; ++i) {
      listen::ListenerOptions plain{.limits = setup::listenLimits(config_),
                                    .http = setup::httpLimits(config_)};
      listen::ListenerOptions secure{.limits = setup::listenLimits(config_),
                                     .http = setup::httpLimits(config_)};
      if (http_.port != 0) plain.socket = std::move(http_.sockets[i]);
      if (https_.port != 0) {
        secure.socket = std::move(https_.sockets[i]);
        ATOLL_TRY(secure.tls, tls::ServerContext::make(
                                  {.certificates = certificates_, .ticketKeys = ticketKeys}));
      }
      Result<> started;
      shards_.push_back(std::make_unique<shard::Shard>(
          [&](loop::Loop& loop, loop::Mailbox& mailbox) {
            auto engine =
                std::make_unique<EdgeEngine>(*node_, loop, mailbox, limits, upstreamOptions_);
            if (plain.socket) started = engine->listen(std::move(plain));
            if (started && secure.socket) started = engine->listen(std::move(secure));
            return engine;
          },
          runnerLimits));
      ATOLL_TRY_VOID(std::move(started));
    }
    return {};
  }

  Result<> startControl() {
    controlHandler_ = std::make_unique<control::ControlHandler>(
        loop_,
        control::Services{
            .registry = state_->registry,
            .kv = state_->kv,
            .tokens = state_->tokens,
            .clock = clock_,
            .validate =
                [limits = setup::trialLimits(config_)](const deploy::Version& version) {
                  return shard::tryLoad(version, limits);
                },
            .kvValueBytesMax = config_.kv.valueBytesMax,
            .node = {.version = std::string(kVersion),
                     .defaultDomain = config_.defaultDomain,
                     .httpPort = http_.port,
                     .httpsPort = https_.port}},
        control::HandlerOptions{.bodyBytesMax = config_.control.bodyBytesMax,
                                .pendingBytesMax = config_.control.pendingBytesMax,
                                .threadCount = config_.control.threads,
                                .hostname = config_.control.hostname});
    adminHandler_ = std::make_unique<control::AdminHandler>([this] { return !draining_; });
    ATOLL_TRY_VOID(startListener(control_, *controlHandler_));
    return startListener(admin_, *adminHandler_);
  }

  Result<> startListener(Bound& bound, http::Handler& handler) {
    if (bound.port == 0) return {};
    listen::ListenerOptions options{.socket = std::move(bound.sockets.front()),
                                    .limits = setup::listenLimits(config_),
                                    .http = setup::httpLimits(config_)};
    listeners_.push_back(std::make_unique<listen::Listener>(loop_, std::move(options), handler));
    return listeners_.back()->start();
  }

  /// Rows of expired KV entries go in small entries of the log, now and then.
  void scheduleExpiry() {
    expiryTimer_.start(kExpiryInterval, [this] {
      state_->storage.submit([this] {
        if (const auto collected = state_->kv.collectExpired(kExpiryCountMax); !collected) {
          telemetry::log(telemetry::Level::Warn, "kv_expiry_failed",
                         {{"error", std::string_view(collected.error().detail)}});
        }
      });
      scheduleExpiry();
    });
  }

  void drain(const char* signal) {
    if (std::exchange(draining_, true)) return;
    telemetry::log(telemetry::Level::Info, "draining", {{"signal", std::string_view(signal)}});
    // The edge first: deploys in flight are answered while requests finish.
    pendingDrains_ = shards_.size() + listeners_.size();
    const auto onDrained = [this] { drained_ = --pendingDrains_ == 0; };
    for (const auto& shard : shards_) {
      shard->post([this, onDrained](shard::Engine& engine) {
        static_cast<EdgeEngine&>(engine).drain([this, onDrained] { mailbox_.post(onDrained); });
      });
    }
    for (const auto& listener : listeners_) listener->drain(onDrained);
  }

  const config::Config& config_;
  const SystemClock clock_;
  loop::Loop loop_;
  loop::Mailbox mailbox_{loop_};
  loop::Timer expiryTimer_{loop_};
  std::unique_ptr<State> state_;
  // Scripts' long computations share the cores with the shards: half of them is a fair part.
  loop::ThreadPool compute_{"compute",
                            std::max<std::size_t>(1, std::thread::hardware_concurrency() / 2)};
  std::optional<dispatch::Node> node_;
  upstream::ClientOptions upstreamOptions_;
  std::shared_ptr<const tls::CertificateStore> certificates_;
  std::size_t shardCount_ = 1;
  Bound http_, https_, control_, admin_;
  std::vector<std::unique_ptr<shard::Shard>> shards_;
  std::unique_ptr<control::ControlHandler> controlHandler_;
  std::unique_ptr<control::AdminHandler> adminHandler_;
  std::vector<std::unique_ptr<listen::Listener>> listeners_;
  bool draining_ = false;
  bool drained_ = false;
  std::size_t pendingDrains_ = 0;
};

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
/// data; the node must not be running.
int verifyLog(const config::Config& config) {
  const SystemClock clock;
  const auto database = store::Database::open({.path = config.dataDir + "/replica"}, clock);
  if (!database) return complain(database.error(), kExitFailed);
  const auto position = (*database)->verifyLog();
  if (!position) return complain(position.error(), kExitFailed);
  std::printf("{\"verified\":true,\"index\":%llu}\n",
              static_cast<unsigned long long>(position->index));
  return 0;
}

/// glibc gives freed memory back so eagerly that a response of 100 KB pays for fresh pages each
/// time (84 us of CPU against 35). What is freed stays for the next response, to these bounds.
void tuneAllocator() {
  constexpr int kMiB = 1024 * 1024;
  mallopt(M_MMAP_THRESHOLD, kMiB);
  mallopt(M_TRIM_THRESHOLD, 64 * kMiB);
  mallopt(M_TOP_PAD, kMiB);
}

int serve(const config::Config& config) {
  tuneAllocator();
  isolate::Platform::start(isolate::builtinSnapshot(), webapi::guest());
  Standalone node(config);
  if (const Result<> started = node.start(); !started) {
    return complain(started.error(), kExitFailed);
  }
  node.printReady();
  node.run();
  return 0;
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
      return serve(line.config);
    case config::Mode::VerifyLog:
      return verifyLog(line.config);
    case config::Mode::Control:
    case config::Mode::Edge:
      return complain({ErrorCode::Unavailable,
                       "control and edge nodes are not available yet; \"atolld standalone\" is "
                       "both in one"},
                      kExitFailed);
  }
  return kExitFailed;
}
