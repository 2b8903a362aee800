#include "replication/remote_kv_writer.h"

#include <chrono>
#include <set>

#include "loop/timer.h"
#include "store/codec.h"
#include "store/crypto.h"

namespace atolld::replication {
namespace {

/// How long a script waits for the control plane, and then for the log, before it hears that
/// neither came.
constexpr std::chrono::seconds kPatience{10};
constexpr std::chrono::milliseconds kPause{200};
constexpr std::size_t kOpenMax = 10'000;

}  // namespace

struct RemoteKvWriter::Write {
  Write(loop::Loop& loop, std::string request, Done whenDone)
      : body(std::move(request)), done(std::move(whenDone)), patience(loop), pause(loop) {}
  /// Once; later calls do nothing.
  void finish(Result<> result) {
    if (Done last = std::exchange(done, nullptr)) last(std::move(result));
  }
  const std::string body;
  Done done;
  bool isCommitted = false;
  Error lastError{ErrorCode::Timeout, "it did not answer in time"};
  loop::Timer patience;
  loop::Timer pause;
};

struct RemoteKvWriter::Shared {
  std::mutex mutex;
  bool isClosed = false;                  // Guarded by the mutex.
  std::set<std::shared_ptr<Write>> open;  // Loop thread.
};

RemoteKvWriter::RemoteKvWriter(loop::Loop& loop, FleetClient& client, Follower& follower,
                               std::string control)
    : client_(client),
      follower_(follower),
      control_(std::move(control)),
      shared_(std::make_shared<Shared>()),
      loop_(loop),
      mailbox_(loop) {}

RemoteKvWriter::~RemoteKvWriter() { close(); }

void RemoteKvWriter::close() {
  {
    const std::scoped_lock lock(shared_->mutex);
    if (std::exchange(shared_->isClosed, true)) return;
  }
  mailbox_.close();
  for (const auto& write : std::exchange(shared_->open, {})) {
    write->finish(fail(ErrorCode::Unavailable, "KV write failed: this node is going down"));
  }
}

void RemoteKvWriter::write(std::string namespaceId, std::vector<store::KvPut> puts,
                           std::vector<std::string> removals, Done done) {
  KvRequest request{.id = store::randomBytes(store::KvStore::kRequestIdBytes),
                    .namespaceId = std::move(namespaceId),
                    .puts = std::move(puts),
                    .removals = std::move(removals)};
  std::unique_lock lock(shared_->mutex);
  if (shared_->isClosed) {
    lock.unlock();
    return done(fail(ErrorCode::Unavailable, "KV write failed: this node is going down"));
  }
  // Whatever is posted is either delivered or dropped by close(), under whose lock we are not any
  // more then: a dropped letter's guard answers.
  struct Guard {
    explicit Guard(Done d) : done(std::move(d)) {}
    Guard(Guard&&) = default;
    ~Guard() {
      if (done) done(fail(ErrorCode::Unavailable, "KV write failed: this node is going down"));
    }
    Done done;
  };
  mailbox_.post([this, body = request.encode(), guard = Guard(std::move(done))]() mutable {
    Done last = std::exchange(guard.done, nullptr);
    if (shared_->open.size() >= kOpenMax) {
      return last(fail(ErrorCode::Overloaded, "KV write failed: too many writes are under way"));
    }
    const auto write = std::make_shared<Write>(loop_, std::move(body), std::move(last));
    shared_->open.insert(write);
    write->patience.start(kPatience, [this, weak = std::weak_ptr(write)] {
      const auto late = weak.lock();
      if (!late) return;
      const std::string why =
          late->isCommitted
              ? "it was made, and this node has not heard of it yet: reads here may still show "
                "what was before"
              : "the control plane cannot be reached (" + late->lastError.detail +
                    "): it may or may not have been made";
      shared_->open.erase(late);
      late->finish(fail(ErrorCode::Unavailable, "KV write failed: " + why));
    });
    send(write);
  });
}

void RemoteKvWriter::send(const std::shared_ptr<Write>& write) {
  client_.call(control_, "/fleet/v1/kv", write->body,
               [this, shared = std::weak_ptr(shared_), write](const Result<std::string>& answer) {
                 const auto alive = shared.lock();
                 if (alive && alive->open.contains(write)) onAnswer(write, answer);
               });
}

void RemoteKvWriter::onAnswer(const std::shared_ptr<Write>& write,
                              const Result<std::string>& answer) {
  if (answer) {
    store::Decoder in(*answer);
    const std::uint64_t index = in.u64();
    write->isCommitted = true;
    return follower_.whenApplied(index, [shared = std::weak_ptr(shared_), write] {
      if (const auto alive = shared.lock()) alive->open.erase(write);
      write->finish({});
    });
  }
  switch (answer.error().code) {
    case ErrorCode::Aborted:
    case ErrorCode::Unavailable:
    case ErrorCode::Timeout:
    case ErrorCode::Overloaded:
    case ErrorCode::Protocol:
      // Nobody knows whether it was made: asking again with the same id is safe, until the patience
      // ends.
      write->lastError = answer.error();
      write->pause.start(kPause, [this, weak = std::weak_ptr(write)] {
        if (const auto again = weak.lock()) send(again);
      });
      return;
    default:
      shared_->open.erase(write);
      write->finish(std::unexpected(answer.error()));
  }
}

}  // namespace atolld::replication
