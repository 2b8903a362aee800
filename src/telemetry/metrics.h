#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace atolld::telemetry {

/// A number that only grows. Any thread.
class Counter {
 public:
  void add(std::uint64_t count = 1) noexcept { value_.fetch_add(count, std::memory_order_relaxed); }
  std::uint64_t value() const noexcept { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

/// The counter of that name and label set, made on first use; lives as long as the process, so look
/// it up once and keep the reference. `labels` is Prometheus text: `code="cpu_limit"`, or empty.
/// Any thread.
Counter& counter(std::string_view name, std::string_view help, std::string_view labels = {});

/// A value read when metrics are rendered; `read` is called on the rendering thread.
void gauge(std::string_view name, std::string_view help, std::function<double()> read);

/// `render` gives further metrics in that format, with their HELP and TYPE lines; it is called on
/// the rendering thread, any number of times.
void collector(std::function<std::string()> render);

/// All metrics in Prometheus's text format, version 0.0.4.
std::string renderMetrics();

}  // namespace atolld::telemetry
