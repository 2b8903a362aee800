#include "shard/shard.h"

#include <future>
#include <utility>

namespace atolld::shard {

struct Shard::State {
  std::promise<void> started;
  // Made by the shard's thread before `started` is set, gone only after it ended: anybody may post.
  std::optional<loop::Mailbox> mailbox;
  // The shard's thread only.
  std::unique_ptr<Engine> engine;
  bool stopping = false;
};

Shard::Shard(std::string name, MakeEngine makeEngine) : state_(std::make_shared<State>()) {
  auto make = std::make_shared<MakeEngine>(std::move(makeEngine));
  thread_.emplace(name, [this, make] { work(std::move(*make)); });
  state_->started.get_future().wait();
}

Shard::~Shard() {
  stop();
  thread_.reset();  // Joins.
}

void Shard::post(std::move_only_function<void(Engine&)> task) {
  state_->mailbox->post([state = state_.get(), task = std::move(task)]() mutable {
    if (!state->stopping) task(*state->engine);
  });
}

void Shard::stop() {
  state_->mailbox->post([state = state_.get()] { state->stopping = true; });
}

void Shard::work(MakeEngine makeEngine) {
  State& state = *state_;
  loop::Loop loop;
  state.mailbox.emplace(loop);
  state.engine = makeEngine(loop, *state.mailbox);
  state.started.set_value();
  while (!state.stopping) {
    Scheduler& scheduler = state.engine->scheduler();
    loop.run(!scheduler.hasReady());
    state.engine->beforeSlices();
    scheduler.runReady();
    loop.runDeferred();
  }
  state.engine.reset();
  state.mailbox->close();
  loop.runUntilClosed();
}

}  // namespace atolld::shard
