#include "loop/thread_pool.h"

#include <pthread.h>

#include <condition_variable>
#include <deque>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/check.h"

namespace atolld::loop {

struct ThreadPool::State {
  std::mutex mutex;
  std::condition_variable wake;
  std::deque<Job> jobs;   // Guarded by mutex.
  bool stopping = false;  // Guarded by mutex.
  std::vector<std::thread> threads;

  void work(const std::string& name) noexcept {
    pthread_setname_np(pthread_self(), name.c_str());
    std::unique_lock lock(mutex);
    for (;;) {
      wake.wait(lock, [this] { return stopping || !jobs.empty(); });
      if (jobs.empty()) return;
      {
        Job job = std::move(jobs.front());
        jobs.pop_front();
        lock.unlock();
        job();
      }  // The job's captures go outside the lock too.
      lock.lock();
    }
  }
};

ThreadPool::ThreadPool(const char* name, std::size_t threadCount)
    : state_(std::make_unique<State>()) {
  ATOLL_CHECK(threadCount > 0);
  for (std::size_t i = 0; i < threadCount; ++i) {
    std::string label = std::string(name).substr(0, 12) + "-" + std::to_string(i);
    label.resize(std::min<std::size_t>(label.size(), 15));  // The kernel's limit.
    state_->threads.emplace_back([state = state_.get(), label] { state->work(label); });
  }
}

ThreadPool::~ThreadPool() {
  {
    const std::lock_guard lock(state_->mutex);
    state_->stopping = true;
  }
  state_->wake.notify_all();
  for (std::thread& thread : state_->threads) thread.join();
}

void ThreadPool::submit(Job job) {
  {
    const std::lock_guard lock(state_->mutex);
    state_->jobs.push_back(std::move(job));
  }
  state_->wake.notify_one();
}

}  // namespace atolld::loop
