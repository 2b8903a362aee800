#pragma once

#include <chrono>

namespace atolld {

/// Wall-clock milliseconds since the Unix epoch, as JavaScript and the log count them.
using UnixMillis = std::chrono::sys_time<std::chrono::milliseconds>;
using MonotonicTime = std::chrono::steady_clock::time_point;

/// Where time comes from; injected, so that tests and simulations own it. Any thread.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual UnixMillis now() const = 0;
  virtual MonotonicTime monotonic() const = 0;
};

class SystemClock final : public Clock {
 public:
  UnixMillis now() const override {
    return std::chrono::time_point_cast<std::chrono::milliseconds>(
        std::chrono::system_clock::now());
  }
  MonotonicTime monotonic() const override { return std::chrono::steady_clock::now(); }
};

}  // namespace atolld
