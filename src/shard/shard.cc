#include "shard/shard.h"

#include <future>
#include <memory>
#include <optional>
#include <utility>

#include "shard/watchdog.h"

namespace atolld::shard {

class Shard::State final : public Seat {
 public:
  explicit State(MakeEngine makeEngine) : makeEngine_(std::move(makeEngine)) {}

  void drive(SliceRunner& runner) override {
    // What a thread finds that takes the seat over: a round in the middle of its slices.
    bool inRound = loop_.has_value();
    if (inRound) {
      loop_->takeSeat();
    } else {
      start();
    }
    const SeatDoor door{*this, *mailbox_};
    while (!stopping_ || engine_->scheduler().detachedCount() > 0) {
      Scheduler& scheduler = engine_->scheduler();
      if (!std::exchange(inRound, false)) {
        if (stopping_) scheduler.endDetached();
        loop_->run(!scheduler.hasReady());
        engine_->beforeSlices();
      }
      if (scheduler.runReady(runner, &door) == Scheduler::Round::SeatLost) return;
      loop_->runDeferred();
    }
    finish();
  }

  void onStuckSlice() noexcept override {
    mailbox_->post([this] { engine_->scheduler().writeOffStuck(); });
  }

  void post(std::move_only_function<void(Engine&)> task) {
    mailbox_->post([this, task = std::move(task)]() mutable {
      if (!stopping_) task(*engine_);
    });
  }

  void stop() {
    mailbox_->post([this] { stopping_ = true; });
  }

  void waitUntilStarted() { started_.get_future().wait(); }
  void waitUntilEnded() { ended_->get_future().wait(); }

 private:
  void start() {
    loop_.emplace();
    mailbox_.emplace(*loop_);
    engine_ = makeEngine_(*loop_, *mailbox_);
    makeEngine_ = nullptr;
    started_.set_value();
  }

  void finish() {
    engine_.reset();
    mailbox_->close();
    loop_->runUntilClosed();
    loop_.reset();
    const auto ended = ended_;  // Who waits for it may destroy this at once.
    ended->set_value();
  }

  std::promise<void> started_;
  const std::shared_ptr<std::promise<void>> ended_ = std::make_shared<std::promise<void>>();
  // Made before `started_` is set, gone with the shard: anybody may post.
  std::optional<loop::Mailbox> mailbox_;
  // The seat holder's.
  MakeEngine makeEngine_;
  std::optional<loop::Loop> loop_;
  std::unique_ptr<Engine> engine_;
  bool stopping_ = false;
};

Shard::Shard(MakeEngine makeEngine, const RunnerLimits& limits)
    : threads_(RunnerThreads::join(limits)),
      state_(std::make_unique<State>(std::move(makeEngine))) {
  threads_->start(*state_);
  state_->waitUntilStarted();
}

Shard::~Shard() {
  stop();
  state_->waitUntilEnded();
}

void Shard::post(std::move_only_function<void(Engine&)> task) { state_->post(std::move(task)); }

void Shard::stop() { state_->stop(); }

}  // namespace atolld::shard
