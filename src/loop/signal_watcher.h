#pragma once

#include <functional>
#include <memory>

#include "loop/loop.h"

namespace atolld::loop {

/// Calls back on the loop thread each time the process gets a signal (SIGTERM, SIGINT, SIGHUP).
/// Does not keep the loop alive. Loop thread only; destroying it restores the default action.
class SignalWatcher {
 public:
  /// `loop` must outlive the watcher. The callback must not destroy it.
  SignalWatcher(Loop& loop, int signal, std::function<void()> onSignal);

 private:
  struct State;
  struct Close {
    void operator()(State* state) const noexcept;
  };
  std::unique_ptr<State, Close> state_;
};

/// A peer that hangs up must be an error of the call, not the end of the process. Once, in main.
void ignoreBrokenPipes() noexcept;

}  // namespace atolld::loop
