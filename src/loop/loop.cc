#include "loop/loop.h"

#include <atomic>
#include <utility>
#include <vector>

#include "base/check.h"

namespace atolld::loop {

struct Loop::State {
  struct Item {
    std::function<void()> task;
    Deferred* again = nullptr;  // Instead of `task`; null too once taken back.
  };

  uv_loop_t loop;
  std::vector<Item> deferred;
  std::size_t nextDeferred = 0;
  // Relaxed is enough: a seat moves under a lock or a message, which orders everything else too.
  std::atomic<std::thread::id> seat;
};

Loop::Loop() : state_(std::make_unique<State>()) {
  ATOLL_CHECK(uv_loop_init(&state_->loop) == 0);
  takeSeat();
}

Loop::~Loop() {
  checkThread();
  state_->deferred.clear();
  // The close callbacks of handles already closing still have to run.
  while (uv_loop_alive(&state_->loop) && uv_run(&state_->loop, UV_RUN_NOWAIT) != 0) {
    ATOLL_CHECK(state_->loop.active_handles == 0);
  }
  ATOLL_CHECK(uv_loop_close(&state_->loop) == 0);
}

void Loop::run(bool mayBlock) {
  checkThread();
  uv_run(&state_->loop, mayBlock && !hasDeferred() ? UV_RUN_ONCE : UV_RUN_NOWAIT);
}

void Loop::runUntilClosed() {
  while (uv_loop_alive(&state_->loop) || hasDeferred()) {
    run(true);
    runDeferred();
  }
}

void Loop::stop() noexcept {
  checkThread();
  uv_stop(&state_->loop);
}

void Loop::defer(std::function<void()> task) {
  checkThread();
  state_->deferred.push_back({std::move(task), nullptr});
}

void Loop::runDeferred() {
  checkThread();
  std::vector<State::Item>& items = state_->deferred;
  // By index, and moved out: a task may add tasks, which moves the vector's contents.
  while (state_->nextDeferred < items.size()) {
    const State::Item item = std::move(items[state_->nextDeferred++]);
    if (item.again != nullptr) {
      item.again->position_ = Deferred::kUnscheduled;
      const auto task = item.again->task_;  // The task may destroy its Deferred.
      (*task)();
    } else if (item.task) {
      item.task();
    }
  }
  items.clear();
  state_->nextDeferred = 0;
}

bool Loop::hasDeferred() const noexcept { return !state_->deferred.empty(); }

std::uint64_t Loop::nowMillis() const noexcept { return uv_now(&state_->loop); }

void Loop::takeSeat() noexcept {
  state_->seat.store(std::this_thread::get_id(), std::memory_order_relaxed);
}

void Loop::checkThread() const noexcept {
  ATOLL_CHECK(state_->seat.load(std::memory_order_relaxed) == std::this_thread::get_id());
}

uv_loop_t* Loop::raw() noexcept { return &state_->loop; }

Deferred::Deferred(Loop& loop, std::function<void()> task)
    : loop_(loop), task_(std::make_shared<const std::function<void()>>(std::move(task))) {}

Deferred::~Deferred() {
  loop_.checkThread();
  if (position_ != kUnscheduled) loop_.state_->deferred[position_].again = nullptr;
}

void Deferred::schedule() {
  loop_.checkThread();
  if (position_ != kUnscheduled) return;
  position_ = loop_.state_->deferred.size();
  loop_.state_->deferred.push_back({nullptr, this});
}

}  // namespace atolld::loop
