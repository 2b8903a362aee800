#include "loop/mailbox.h"

#include <mutex>
#include <utility>
#include <vector>

#include "base/check.h"

namespace atolld::loop {

struct Mailbox::State {
  explicit State(Loop& owner) : loop(owner) {}

  Loop& loop;
  uv_async_t async;
  std::shared_ptr<State> self;  // Held until libuv has let go of `async`.
  std::mutex mutex;
  std::vector<Letter> letters;  // Guarded by mutex.
  bool closed = false;          // Written under mutex by the loop thread.

  static void wake(uv_async_t* async) noexcept { static_cast<State*>(async->data)->deliver(); }
  static void gone(uv_handle_t* handle) noexcept {
    const std::shared_ptr<State> last = std::move(static_cast<State*>(handle->data)->self);
  }

  void deliver() noexcept {
    const std::shared_ptr<State> alive = self;  // A letter may destroy the mailbox.
    std::vector<Letter> batch;
    {
      const std::lock_guard lock(mutex);
      batch.swap(letters);
    }
    for (Letter& letter : batch) {
      if (closed) break;
      std::exchange(letter, nullptr)();
    }
  }
};

Mailbox::Mailbox(Loop& loop) : state_(std::make_shared<State>(loop)) {
  loop.checkThread();
  ATOLL_CHECK(uv_async_init(loop.raw(), &state_->async, &State::wake) == 0);
  state_->async.data = state_.get();
  state_->self = state_;
}

Mailbox::~Mailbox() {
  bool open = false;
  {
    const std::lock_guard lock(state_->mutex);
    open = !state_->closed;
  }
  if (open) close();
}

void Mailbox::post(Letter letter) {
  const std::lock_guard lock(state_->mutex);
  if (state_->closed) return;
  state_->letters.push_back(std::move(letter));
  // Inside the lock, so that close() cannot come between; only the first letter has to wake.
  if (state_->letters.size() == 1) ATOLL_CHECK(uv_async_send(&state_->async) == 0);
}

void Mailbox::close() {
  state_->loop.checkThread();
  std::vector<Letter> dropped;  // Destroyed outside the lock: a letter may own anything.
  {
    const std::lock_guard lock(state_->mutex);
    if (state_->closed) return;
    state_->closed = true;
    dropped.swap(state_->letters);
  }
  uv_close(reinterpret_cast<uv_handle_t*>(&state_->async), &State::gone);
}

}  // namespace atolld::loop
