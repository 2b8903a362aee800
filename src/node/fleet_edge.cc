#include "node/fleet_edge.h"

#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <thread>
#include <utility>

#include "base/encoding.h"
#include "node/files.h"
#include "node/fleet_control.h"
#include "node/state.h"
#include "replication/control_calls.h"
#include "replication/fleet_view.h"
#include "store/cluster_key.h"
#include "store/crypto.h"
#include "store/node_store.h"
#include "telemetry/log.h"
#include "telemetry/metrics.h"
#include "tls/context.h"

namespace atolld::node {
namespace {

using replication::FleetClient;
using replication::Identity;
using replication::JoinToken;

constexpr std::chrono::seconds kJoinPatience{30};
constexpr std::chrono::milliseconds kJoinPause{300};
constexpr std::chrono::seconds kReportInterval{1};
constexpr std::chrono::hours kRenewInterval{1};

/// The sum of a metric over its labels.
std::uint64_t metric(std::string_view page, std::string_view name) {
  double sum = 0;
  for (std::size_t at = 0; at < page.size(); at = page.find('\n', at) + 1) {
    const std::string_view line = page.substr(at, page.find('\n', at) - at);
    const std::string_view rest = line.substr(std::min(name.size(), line.size()));
    if (line.starts_with(name) && (rest.starts_with(' ') || rest.starts_with('{'))) {
      sum += std::strtod(std::string(rest.substr(rest.rfind(' ') + 1)).c_str(), nullptr);
    }
    if (page.find('\n', at) == std::string_view::npos) break;
  }
  return static_cast<std::uint64_t>(std::max(0.0, sum));
}

std::string identityFile(const std::string& dataDir) { return dataDir + "/fleet-identity"; }

/// Runs the loop until `outcome` is there.
template <class T>
T await(loop::Loop& loop, std::optional<T>& outcome) {
  while (!outcome) {
    loop.run(true);
    loop.runDeferred();
  }
  return *std::move(outcome);
}

/// One call, waited for; asked again while the other side cannot be reached, for a while.
Result<std::string> callPatiently(loop::Loop& loop, FleetClient& client,
                                  const std::string& authority, std::string_view path,
                                  const std::string& body, const Clock& clock) {
  const MonotonicTime end = clock.monotonic() + kJoinPatience;
  while (true) {
    std::optional<Result<std::string>> answer;
    client.call(authority, path, body,
                [&answer](Result<std::string> got) { answer = std::move(got); });
    Result<std::string> got = await(loop, answer);
    const bool mayPass = !got && (got.error().code == ErrorCode::Unavailable ||
                                  got.error().code == ErrorCode::Timeout);
    if (!mayPass || clock.monotonic() >= end) return got;
    std::optional<bool> rested;
    loop::Timer pause(loop);
    pause.start(kJoinPause, [&rested] { rested = true; });
    await(loop, rested);
  }
}

/// A GET of a small JSON document in the clear, waited for.
class Fetch final : public http::ClientSink {
 public:
  static Result<std::string> get(loop::Loop& loop, loop::Resolver& resolver,
                                 const std::string& authority, const std::string& target) {
    upstream::ClientOptions options;
    ATOLL_TRY(options.tls, tls::ClientContext::make({}));
    upstream::Client client(loop, resolver, std::move(options));
    http::RequestHead head;
    head.method = "GET";
    head.scheme = "http";
    head.authority = authority;
    head.target = target;
    Fetch fetch;
    fetch.exchange_ = &client.start(std::move(head), fetch);
    return await(loop, fetch.outcome_);
  }

 private:
  void onResponse(http::ResponseHead head) override { status_ = head.status; }
  void onBody(Bytes chunk) override {
    if (body_.size() < 64 * 1024) body_ += chunk.view();
    exchange_->consumed(chunk.size());
  }
  void onDrained() override {}
  void onClosed(const Result<>& ok, http::HeaderList) override {
    if (!ok) {
      outcome_ = Result<std::string>(std::unexpected(ok.error()));
    } else if (status_ != 200) {
      outcome_ = Result<std::string>(
          fail(ErrorCode::Protocol, "it answered " + std::to_string(status_) + ": " + body_));
    } else {
      outcome_ = std::move(body_);
    }
  }
  http::ClientExchange* exchange_ = nullptr;
  int status_ = 0;
  std::string body_;
  std::optional<Result<std::string>> outcome_;
};

}  // namespace

FleetEdge::FleetEdge(const config::CommandLine& line, std::string version, const Clock& clock,
                     loop::Loop& loop)
    : line_(line),
      version_(std::move(version)),
      clock_(clock),
      loop_(loop),
      resolver_(loop, lookups_),
      reportTimer_(loop) {}

FleetEdge::~FleetEdge() {
  writer_.reset();
  follower_.reset();
}

Result<> FleetEdge::keep(const Identity& identity) const {
  return writeSecretFile(identityFile(line_.config.dataDir), identity.encode());
}

Result<> FleetEdge::join() {
  std::error_code error;
  std::filesystem::create_directories(line_.config.dataDir, error);
  if (const auto kept = readFile(identityFile(line_.config.dataDir))) {
    ATOLL_TRY(identity_, Identity::decode(*kept));
  }
  if (!identity_.joined()) {
    if (line_.join.empty()) {
      return fail(ErrorCode::InvalidArgument,
                  "--join is missing: this node has not joined a fleet yet, so: atolld edge "
                  "--join URL --token TOKEN");
    }
    ATOLL_TRY(const JoinToken token, JoinToken::parse(line_.token));
    if (identity_.keyPem.empty()) {
      ATOLL_TRY(tls::KeyRequest made, tls::makeRequest());
      identity_.keyPem = std::move(made.keyPem);
    }
    identity_.name = line_.name.empty() ? "edge-" + toHex(store::randomBytes(4)) : line_.name;
    identity_.region = line_.region;
    identity_.labels = line_.labels;
    ATOLL_TRY_VOID(findControl(identity_));
    // Kept before it is shown: if the answer is lost, the same key may ask again.
    ATOLL_TRY_VOID(keep(identity_));
    ATOLL_TRY_VOID(enroll(identity_, token));
    ATOLL_TRY_VOID(keep(identity_));
    telemetry::log(telemetry::Level::Info, "joined",
                   {{"node", std::string_view(identity_.name)},
                    {"control", std::string_view(identity_.control)}});
  }
  if (!line_.upstreams.empty()) {
    std::vector<std::string> upstreams;
    for (const std::string& url : line_.upstreams) {
      auto parsed = replication::parseFleetUrl(url);
      if (!parsed) return fail(parsed.error(), "--upstream");
      upstreams.push_back(*std::move(parsed));
    }
    identity_.upstreams = std::move(upstreams);
    ATOLL_TRY_VOID(keep(identity_));
  }
  return {};
}

/// --join names the control plane's fleet address, or its API, which knows that address's port.
Result<> FleetEdge::findControl(Identity& identity) {
  constexpr std::string_view kHttp = "http://";
  std::string url = line_.join;
  if (url.starts_with(kHttp)) {
    std::string authority = url.substr(kHttp.size());
    authority = authority.substr(0, authority.find('/'));
    const auto answer = Fetch::get(loop_, resolver_, authority, "/api/v1/fleet");
    if (!answer) return fail(answer.error(), "--join " + line_.join);
    const auto json = nlohmann::json::parse(*answer, nullptr, false);
    const auto port = json.is_object() ? json.find("port") : json.end();
    if (port == json.end() || !port->is_number_unsigned()) {
      return fail(ErrorCode::Protocol, "--join " + line_.join + ": this is no control plane");
    }
    const std::size_t colon = authority.rfind(':');
    const bool hasPort =
        colon != std::string::npos && authority.find(']', colon) == std::string::npos;
    url = "https://" + (hasPort ? authority.substr(0, colon) : authority) + ":" +
          std::to_string(port->get<std::uint64_t>());
  }
  auto control = replication::parseFleetUrl(url);
  if (!control) return fail(control.error(), "--join");
  identity.control = *std::move(control);
  return {};
}

Result<> FleetEdge::enroll(Identity& identity, const JoinToken& token) {
  ATOLL_TRY(const std::string request, tls::makeRequestFor(identity.keyPem));
  ATOLL_TRY(auto context,
            tls::ClientContext::make({.onlyAuthorityFingerprint = token.authorityFingerprint,
                                      .peerName = std::string(replication::kControlName)}));
  FleetClient client(loop_, resolver_, std::move(context));
  const replication::JoinRequest asked{.secret = token.secret,
                                       .requestPem = request,
                                       .name = identity.name,
                                       .region = identity.region,
                                       .labels = identity.labels};
  const auto answer =
      callPatiently(loop_, client, identity.control, "/fleet/v1/join", asked.encode(), clock_);
  if (!answer) return fail(answer.error(), "joining by way of " + identity.control);
  ATOLL_TRY(replication::JoinAnswer joined, replication::JoinAnswer::decode(*answer));
  // What does not fit its key would be noticed too late.
  ATOLL_TRY_VOID(tls::Certificate::fromPem(joined.chainPem, identity.keyPem));
  if (const auto key = store::ClusterKey::parse(joined.clusterKey); !key) {
    return fail(key.error(), "the cluster key that came from " + identity.control);
  }
  ATOLL_TRY_VOID(writeSecretFile(clusterKeyFile(line_.config.dataDir), joined.clusterKey + "\n"));
  identity.chainPem = std::move(joined.chainPem);
  identity.authorityPem = std::move(joined.authorityPem);
  return {};
}

Result<std::shared_ptr<const tls::ClientContext>> FleetEdge::clientContext(
    std::string_view peerName) const {
  ATOLL_TRY(const tls::Certificate own,
            tls::Certificate::fromPem(identity_.chainPem, identity_.keyPem));
  return tls::ClientContext::make({.onlyAuthorityPem = identity_.authorityPem,
                                   .peerName = std::string(peerName),
                                   .certificate = own});
}

Result<> FleetEdge::prepare(State& state) {
  ATOLL_TRY(auto context, clientContext(replication::kNodeName));
  client_ = std::make_unique<FleetClient>(loop_, resolver_, std::move(context));
  ATOLL_TRY(auto controlContext, clientContext(replication::kControlName));
  control_ = std::make_unique<FleetClient>(loop_, resolver_, std::move(controlContext));
  replication::FollowerOptions options{.upstreams = identity_.upstreams,
                                       .dataDir = line_.config.dataDir};
  if (options.upstreams.empty()) options.upstreams.push_back(identity_.control);
  follower_ = std::make_unique<replication::Follower>(loop_, *client_, *state.database, clock_,
                                                      std::move(options));
  writer_ = std::make_unique<replication::RemoteKvWriter>(loop_, *control_, *follower_,
                                                          identity_.control);
  tails_ = std::make_unique<replication::TailRelay>(
      loop_, state.tails, [this](std::string batch, replication::TailRelay::Done done) {
        control_->call(identity_.control, "/fleet/v1/tail", std::move(batch),
                       [done = std::move(done)](const Result<std::string>& answer) {
                         done(answer.has_value());
                       });
      });
  database_ = state.database.get();
  lookUpDrained();
  ATOLL_TRY_VOID(startRelay(state));
  registerMetrics();
  return {};
}

void FleetEdge::start(State& state) {
  std::optional<bool> caughtUp;
  follower_->onCaughtUp([&caughtUp] { caughtUp = true; });
  follower_->start();
  report();
  if (state.database->position().index == 0) await(loop_, caughtUp);
  follower_->onCaughtUp(nullptr);
}

Result<> FleetEdge::startRelay(State& state) {
  ATOLL_TRY(bound_, bindAddress(line_.config.listen.fleet, 1));
  if (bound_.port == 0) return {};
  ATOLL_TRY(const tls::Certificate own,
            tls::Certificate::fromPem(identity_.chainPem, identity_.keyPem));
  server_ = std::make_unique<replication::FleetServer>(
      loop_, *state.database,
      replication::FleetServerOptions{
          .isRoot = false,
          .age =
              [this] {
                // Never known: as old as can be said.
                return follower_->status().age.value_or(std::chrono::hours(24 * 365));
              },
          .calls = {},
          .checkpointDirectory = line_.config.dataDir + "/checkpoints"});
  ATOLL_TRY(listener_,
            listenForFleet(loop_, bound_, line_.config, own, identity_.authorityPem, *server_));
  return {};
}

/// On the thread that applies the log, and once before there is one.
void FleetEdge::lookUpDrained() {
  const auto row = database_->get(store::Family::Nodes, identity_.name);
  if (!row) return;  // It stays as it was until it can be read.
  const auto node = store::NodeStore::decode(identity_.name, *row);
  if (!node) return;
  const bool isDrained = *node && (*node)->isDrained;
  if (isDrained_.exchange(isDrained) == isDrained) return;
  telemetry::log(telemetry::Level::Info, isDrained ? "node_drained" : "node_undrained",
                 {{"node", std::string_view(identity_.name)}});
}

void FleetEdge::onCommitted(std::uint32_t familyBits) {
  if ((familyBits & (1u << static_cast<unsigned>(store::Family::Nodes))) != 0) lookUpDrained();
  if (server_) server_->onCommitted(familyBits);
}

void FleetEdge::report() {
  reportTimer_.start(kReportInterval, [this] { report(); });
  if (std::exchange(isControlSilent_, false)) control_->reconnect();
  if (std::exchange(wasRenewed_, false)) useNewCertificate();
  renewIfDue();
  if (reporting_) return;
  const replication::FollowerStatus status = follower_->status();
  replication::NodeReport report{.version = version_,
                                 .state = status.state,
                                 .upstream = status.upstream,
                                 .history = status.position.history,
                                 .index = status.position.index,
                                 .hash = status.position.hash,
                                 .lagMillis = status.lag.count(),
                                 .ageMillis = status.age ? status.age->count() : -1,
                                 .bootstraps = status.bootstraps};
  addLoad(report);
  reporting_ = true;
  control_->call(identity_.control, "/fleet/v1/status", report.encode(),
                 [this](const Result<std::string>& answer) {
                   reporting_ = false;
                   isControlSilent_ = !answer && answer.error().code == ErrorCode::Timeout;
                   // Nobody is watched for a control plane that is not there.
                   Result<std::vector<telemetry::TailHub::Order>> orders;
                   if (answer) orders = replication::decodeTailOrders(*answer);
                   tails_->follow(orders.value_or({}));
                 });
}

void FleetEdge::useNewCertificate() {
  const auto node = clientContext(replication::kNodeName);
  const auto control = clientContext(replication::kControlName);
  if (!node || !control) return;
  client_->useTls(*node);
  control_->useTls(*control);
  if (!listener_) return;
  const auto own = tls::Certificate::fromPem(identity_.chainPem, identity_.keyPem);
  if (!own) return;
  if (auto context = fleetServerContext(*own, identity_.authorityPem)) {
    listener_->useTls(*std::move(context));  // Who follows already goes on as it is.
  }
}

void FleetEdge::addLoad(replication::NodeReport& report) {
  const std::string page = telemetry::renderMetrics();
  const MonotonicTime now = clock_.monotonic();
  timespec cpu{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu);
  const auto used = std::chrono::seconds(cpu.tv_sec) + std::chrono::nanoseconds(cpu.tv_nsec);
  const std::uint64_t count = metric(page, "atoll_requests_total");
  report.isolates = static_cast<std::uint32_t>(metric(page, "atoll_isolates"));
  const double seconds = std::chrono::duration<double>(now - reportedAt_).count();
  if (reportedAt_ != MonotonicTime() && seconds > 0) {
    const double cores = std::max(1u, std::thread::hardware_concurrency());
    const double busy = std::chrono::duration<double>(used - cpuThen_).count();
    report.cpuPermille = static_cast<std::uint32_t>(busy / seconds / cores * 1000);
    report.requestsPerSecond =
        static_cast<std::uint32_t>(static_cast<double>(count - requestsThen_) / seconds);
  }
  reportedAt_ = now;
  cpuThen_ = used;
  requestsThen_ = count;
  std::uint64_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages >> pages;
  report.memoryBytes = pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  if (health_) report.health = health_();
}

/// With a third of its time left, and then every hour until it works.
void FleetEdge::renewIfDue() {
  const auto own = tls::Certificate::fromPem(identity_.chainPem, identity_.keyPem);
  if (!own || own->notAfter() - clock_.now() > replication::kNodeValidity / 3) return;
  const MonotonicTime now = clock_.monotonic();
  if (renewedAt_ != MonotonicTime() && now - renewedAt_ < kRenewInterval) return;
  renewedAt_ = now;
  const auto request = tls::makeRequestFor(identity_.keyPem);
  if (!request) return;
  control_->call(
      identity_.control, "/fleet/v1/renew", *request, [this](const Result<std::string>& answer) {
        const auto renewed = answer
                                 ? replication::JoinAnswer::decode(*answer)
                                 : Result<replication::JoinAnswer>(std::unexpected(answer.error()));
        if (!renewed || !tls::Certificate::fromPem(renewed->chainPem, identity_.keyPem)) {
          telemetry::log(telemetry::Level::Warn, "certificate_not_renewed",
                         {{"control", std::string_view(identity_.control)}});
          return;
        }
        Identity next = identity_;
        next.chainPem = renewed->chainPem;
        if (!keep(next)) return;
        identity_ = std::move(next);
        wasRenewed_ = true;
      });
}

void FleetEdge::registerMetrics() const {
  telemetry::gauge("atoll_log_index", "Index of the last entry of the log applied here.",
                   [this] { return static_cast<double>(follower_->status().position.index); });
  telemetry::gauge("atoll_log_lag_seconds",
                   "From the last entry's commit to its application here, by both clocks.",
                   [this] { return static_cast<double>(follower_->status().lag.count()) / 1000; });
  telemetry::gauge("atoll_knowledge_age_seconds",
                   "Since when there may be changes that this node has not heard of; -1: always.",
                   [this] {
                     const auto age = follower_->status().age;
                     return age ? static_cast<double>(age->count()) / 1000 : -1.0;
                   });
  telemetry::gauge("atoll_bootstraps", "Checkpoints fetched since the start.",
                   [this] { return static_cast<double>(follower_->status().bootstraps); });
}

void FleetEdge::drain(std::function<void()> onDrained) {
  if (!listener_) return;
  server_->drain();
  listener_->drain(std::move(onDrained));
}

}  // namespace atolld::node
