#pragma once

#include <pthread.h>

#include <functional>
#include <string>

namespace atolld::shard {

/// A thread with the stack that entering an isolate needs, whatever the process's default is.
/// Joined on destruction unless it was detached.
class ScriptThread {
 public:
  /// `name` shows in thread lists (at most 15 characters).
  ScriptThread(const std::string& name, std::function<void()> body);
  ~ScriptThread();
  ScriptThread(const ScriptThread&) = delete;
  ScriptThread& operator=(const ScriptThread&) = delete;

  /// Nobody waits for its end.
  void detach() noexcept;

 private:
  pthread_t thread_{};
  bool detached_ = false;
};

}  // namespace atolld::shard
