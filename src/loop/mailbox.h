#pragma once

#include <functional>
#include <memory>

#include "loop/loop.h"

namespace atolld::loop {

/// The only door between threads: any thread posts, the loop thread runs what was posted, in order,
/// from a uv callback. Posting wakes the loop. A letter posted after close() is dropped.
class Mailbox {
 public:
  using Letter = std::move_only_function<void()>;

  explicit Mailbox(Loop& loop);  // Loop thread; `loop` must outlive the mailbox.
  ~Mailbox();                    // Loop thread; any thread once closed.

  /// Any thread, as long as the Mailbox lives.
  void post(Letter letter);
  /// Loop thread: stops delivering and lets the loop end.
  void close();

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace atolld::loop
