#pragma once

#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <mutex>
#include <string_view>
#include <thread>

#include "telemetry/log.h"

namespace atolld::node {

/// Ends the process if what is in its scope does not come to an end: the few built-ins of V8 that
/// cannot be interrupted must not keep it. Everything acknowledged is on disk by then.
class ExitGuard {
 public:
  explicit ExitGuard(std::chrono::seconds patience)
      : thread_([this, patience] {
          std::unique_lock lock(mutex_);
          if (over_.wait_for(lock, patience, [this] { return done_; })) return;
          telemetry::log(telemetry::Level::Error, "exit_forced",
                         {{"reason", std::string_view("a script cannot be interrupted")}});
          std::fflush(nullptr);
          _exit(0);
        }) {}
  ~ExitGuard() {
    {
      const std::scoped_lock lock(mutex_);
      done_ = true;
      over_.notify_one();
    }
    thread_.join();
  }
  ExitGuard(const ExitGuard&) = delete;
  ExitGuard& operator=(const ExitGuard&) = delete;

 private:
  std::mutex mutex_;
  std::condition_variable over_;
  bool done_ = false;
  std::thread thread_;  // Last: it uses the rest.
};

}  // namespace atolld::node
