#include "replication/follower.h"

#include <algorithm>
#include <filesystem>
#include <format>
#include <random>

#include "base/encoding.h"
#include "store/replica_directory.h"
#include "telemetry/log.h"

namespace atolld::replication {
namespace {

namespace fs = std::filesystem;

/// Entries received and not yet applied: above it the source has to wait.
constexpr std::size_t kHeldBytesMax = 4ull * 1024 * 1024;

std::string_view stateName(FollowerMachine::State state) {
  switch (state) {
    case FollowerMachine::State::Waiting:
      return "waiting";
    case FollowerMachine::State::Connecting:
      return "connecting";
    case FollowerMachine::State::Following:
      return "following";
    case FollowerMachine::State::Bootstrapping:
      return "bootstrapping";
  }
  return "waiting";
}

}  // namespace

/// One stream of the log: bytes to entries, entries to the pool, credit back.
class Follower::Stream final : public http::ClientSink, private FrameReader::Sink {
 public:
  Stream(Follower& owner, std::uint64_t number) : owner_(&owner), number_(number) {}

  void open(const std::string& upstream, const store::Position& from) {
    exchange_ =
        &owner_->client_.open(upstream,
                              std::format("/fleet/v1/log?history={}&index={}&hash={}",
                                          toHex(from.history), from.index, toHex(from.hash)),
                              *this);
  }
  /// Nothing is reported from then on.
  void detach() {
    owner_ = nullptr;
    if (exchange_ != nullptr) exchange_->cancel();
  }
  std::uint64_t number() const { return number_; }
  void onBatchApplied() {
    isApplying_ = false;
    applyNext();
    giveCredit();
  }

 private:
  void onResponse(http::ResponseHead head) override {
    if (head.status != 200) status_ = std::move(head);
  }
  void onBody(Bytes chunk) override {
    owed_ += chunk.size();
    if (owner_ == nullptr) return giveCredit();
    if (status_) {
      refusal_ += chunk.view().substr(0, 1024);
      return giveCredit();
    }
    owner_->machine_.onHeard(owner_->now());
    const Result<> received = reader_.receive(chunk.view());
    if (owner_ == nullptr) return;
    if (!received) {
      owner_->say("stream_broken", received.error().detail);
      return end(received.error());
    }
    applyNext();
    giveCredit();
    owner_->settle();
  }
  void onDrained() override {}
  void onClosed(const Result<>& ok, http::HeaderList) override {
    exchange_ = nullptr;
    if (owner_ == nullptr) return;
    Error why{ErrorCode::Unavailable, "the stream ended"};
    if (!ok) why = ok.error();
    if (ok && status_) why = errorOf(*status_, refusal_);
    end(why);
  }
  void end(const Error& why) {
    Follower* const owner = owner_;
    owner->onStreamEnded(why);  // Detaches this.
  }

  void onHello(Hello hello) override {
    if (owner_ == nullptr) return;
    owner_->say("stream_greeted", std::format("verdict {}, head {}",
                                              static_cast<int>(hello.verdict), hello.head.index));
    owner_->machine_.onHello(owner_->now(), hello);
  }
  void onEntry(std::string_view row) override {
    batch_.bytes += row;
    batch_.ends.push_back(batch_.bytes.size());
  }
  void onNews(News news) override {
    if (owner_ != nullptr) owner_->machine_.onNews(owner_->now(), news);
  }

  void applyNext() {
    if (isApplying_ || batch_.empty() || owner_ == nullptr) return;
    isApplying_ = true;
    owner_->apply(std::exchange(batch_, {}), number_);
  }
  void giveCredit() {
    if (exchange_ == nullptr || batch_.bytes.size() > kHeldBytesMax) return;
    if (const std::size_t owed = std::exchange(owed_, 0)) exchange_->consumed(owed);
  }

  Follower* owner_;  // Null once it is of no interest.
  const std::uint64_t number_;
  http::ClientExchange* exchange_ = nullptr;
  FrameReader reader_{*this};
  std::optional<http::ResponseHead> status_;
  std::string refusal_;
  EntryBatch batch_;
  std::size_t owed_ = 0;
  bool isApplying_ = false;
};

Follower::Follower(loop::Loop& loop, FleetClient& client, store::Database& database,
                   const Clock& clock, FollowerOptions options)
    : loop_(loop),
      client_(client),
      database_(database),
      clock_(clock),
      options_(std::move(options)),
      machine_(options_.limits, options_.upstreams.size(), std::random_device{}(),
               database.position().index),
      timer_(loop),
      mailbox_(loop),
      pool_(std::make_unique<loop::ThreadPool>("follower", 1)) {}

Follower::~Follower() {
  loop_.checkThread();
  disconnect();
  fetch_.reset();
  pool_.reset();
}

FollowerMachine::Time Follower::now() const {
  return std::chrono::duration_cast<FollowerMachine::Time>(clock_.monotonic().time_since_epoch());
}

void Follower::say(std::string_view event, std::string_view detail) {
  telemetry::log(telemetry::Level::Info, "replication",
                 {{"event", event},
                  {"upstream", std::string_view(options_.upstreams[machine_.upstream()])},
                  {"detail", detail}});
}

void Follower::start() {
  machine_.start(now());
  settle();
}

void Follower::settle() {
  ended_.clear();
  for (auto actions = machine_.takeActions(); !actions.empty(); actions = machine_.takeActions()) {
    for (const FollowerMachine::Action& action : actions) carryOut(action);
  }
  if (machine_.state() == FollowerMachine::State::Following) {
    trouble_.clear();
    if (onCaughtUp_ && machine_.age(now())) std::exchange(onCaughtUp_, nullptr)();
  }
  const auto delay = std::max(FollowerMachine::Time(1), machine_.nextWake() - now());
  timer_.start(delay, [this] {
    if (isInstalling_) machine_.onBootstrapProgress(now());  // The disk's pace, not a peer's.
    machine_.onTime(now());
    settle();
  });
}

void Follower::carryOut(const FollowerMachine::Action& action) {
  using Kind = FollowerMachine::Action::Kind;
  const std::string& upstream = options_.upstreams[action.upstream];
  switch (action.kind) {
    case Kind::Connect:
      return connect(upstream);
    case Kind::Disconnect:
      return disconnect();
    case Kind::Bootstrap:
      return bootstrap(upstream);
    case Kind::CancelBootstrap:
      fetch_.reset();
      return;
  }
}

void Follower::connect(const std::string& upstream) {
  client_.reconnect();  // Whatever was wrong with the last connection.
  stream_ = std::make_unique<Stream>(*this, ++streamCount_);
  stream_->open(upstream, database_.position());
}

void Follower::disconnect() {
  if (!stream_) return;
  // It may be on the stack.
  ended_.push_back(std::move(stream_));
  ended_.back()->detach();
}

void Follower::onStreamEnded(const Error& why) {
  if (trouble_ != why.detail) say("stream_ended", why.detail);
  trouble_ = why.detail;
  machine_.onStreamEnded(now());
  loop_.defer([this, alive = std::weak_ptr<bool>(alive_)] {
    if (!alive.expired()) settle();
  });
}

void Follower::apply(EntryBatch batch, std::uint64_t streamNumber) {
  pool_->submit([this, batch = std::move(batch), streamNumber] {
    Result<store::Applied> applied = database_.apply(batch.rows());
    mailbox_.post([this, streamNumber, applied = std::move(applied)] {
      const bool isCurrent = stream_ && stream_->number() == streamNumber;
      onApplied(applied, isCurrent);
    });
  });
}

void Follower::onApplied(const Result<store::Applied>& applied, bool isCurrent) {
  if (applied) {
    lag_ = clock_.now() - applied->time;
    machine_.onApplied(now(), applied->position.index);
    tellWaiting(applied->position.index);
    if (isCurrent) stream_->onBatchApplied();
  } else if (isCurrent) {
    trouble_ = applied.error().detail;
    telemetry::log(telemetry::Level::Error, "replication_stopped",
                   {{"error", std::string_view(trouble_)}});
    machine_.onApplyFailed(now(), applied.error().code);
  }
  settle();
}

void Follower::bootstrap(const std::string& upstream) {
  ++bootstraps_;
  say("bootstrap_begins", trouble_);
  fetch_ = std::make_unique<CheckpointFetch>(
      client_, mailbox_, *pool_, upstream, options_.dataDir + "/incoming",
      CheckpointFetch::Hooks{.onProgress = [this] { machine_.onBootstrapProgress(now()); },
                             .onDone =
                                 [this](const Result<std::string>& directory) {
                                   if (directory) return install(*directory);
                                   trouble_ = directory.error().detail;
                                   say("bootstrap_failed", trouble_);
                                   machine_.onBootstrapFailed(now());
                                   mailbox_.post([this] { settle(); });
                                 }});
  fetch_->start();
}

void Follower::install(const std::string& directory) {
  isInstalling_ = true;
  pool_->submit([this, directory] {
    const auto work = [&]() -> Result<store::Position> {
      const std::string name =
          std::string(store::kReplicaPrefix) + "-" + fs::path(directory).filename().string();
      const std::string target = options_.dataDir + "/" + name;
      std::error_code error;
      fs::remove_all(target, error);
      fs::rename(directory, target, error);
      if (error) return fail(ErrorCode::Io, directory + ": " + error.message());
      Result<store::Position> position = database_.replaceWith(target);
      if (!position) {
        fs::remove_all(target, error);
        return position;
      }
      ATOLL_TRY_VOID(store::chooseReplica(options_.dataDir, name));
      store::removeFormerReplicas(options_.dataDir);
      return position;
    };
    mailbox_.post([this, position = work()] {
      isInstalling_ = false;
      if (position) {
        say("bootstrapped", std::format("index {}", position->index));
        machine_.onBootstrapped(now(), position->index);
        tellWaiting(position->index);
      } else {
        trouble_ = position.error().detail;
        say("bootstrap_failed", trouble_);
        machine_.onBootstrapFailed(now());
      }
      fetch_.reset();
      settle();
    });
  });
}

void Follower::whenApplied(std::uint64_t index, std::function<void()> then) {
  waiting_.emplace_back(index, std::move(then));
  mailbox_.post([this] { tellWaiting(database_.position().index); });
}

void Follower::tellWaiting(std::uint64_t index) {
  std::vector<std::function<void()>> due;
  std::erase_if(waiting_, [&](auto& each) {
    if (each.first > index) return false;
    due.push_back(std::move(each.second));
    return true;
  });
  for (const auto& then : due) then();
}

FollowerStatus Follower::status() const {
  return {.state = std::string(stateName(machine_.state())),
          .upstream = options_.upstreams[machine_.upstream()],
          .position = database_.position(),
          .headIndex = machine_.headIndex(),
          .lag = lag_,
          .age = machine_.age(now()),
          .bootstraps = bootstraps_,
          .trouble = trouble_};
}

}  // namespace atolld::replication
