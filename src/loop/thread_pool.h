#pragma once

#include <cstddef>
#include <functional>
#include <memory>

namespace atolld::loop {

/// Threads for calls that block (RocksDB, files, name resolution). Results come back through a
/// Mailbox. Any thread may submit; jobs start in order.
class ThreadPool {
 public:
  using Job = std::move_only_function<void()>;

  /// `name` shows in thread lists (at most 12 characters).
  ThreadPool(const char* name, std::size_t threadCount);
  ~ThreadPool();  // Finishes what was submitted, then joins.

  void submit(Job job);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace atolld::loop
