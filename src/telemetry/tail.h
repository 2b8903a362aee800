#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/clock.h"

/// Live traces of invocations, for who watches a script: nothing is kept, and nobody waits.
namespace atolld::telemetry {

/// What one invocation did.
struct TailItem {
  struct Log {
    std::string level;  ///< "log", "info", "warn", "error", "debug"
    std::string text;
    UnixMillis time{};
  };
  struct Exception {
    std::string message;  ///< "TypeError: x is not a function"
    std::string stack;
    UnixMillis time{};
  };
  std::string tenant, script, version;
  std::string node;            ///< Which node ran it; empty: this one.
  std::string outcome = "ok";  ///< "exception", "exceededCpu", "canceled" …: as Workers call it.
  std::string method, url, clientAddress;
  std::vector<std::pair<std::string, std::string>> headers;
  int status = 0;  ///< 0: there was no response.
  std::vector<Log> logs;
  std::vector<Exception> exceptions;
  UnixMillis time{};
  std::chrono::nanoseconds cpu{};
  std::chrono::milliseconds wall{};
  bool isTruncated = false;  ///< Logs are missing.
  bool isFile = false;       ///< A static file answered; the script did not run.

  /// Adds to `logs`, as long as they have room.
  void addLog(std::string_view level, std::string text, UnixMillis now);

 private:
  std::size_t logBytes_ = 0;
};

/// Which of a script's invocations a watcher wants: all that is given has to fit.
struct TailFilter {
  double samplingRate = 1;            ///< From 0 to 1.
  std::vector<std::string> outcomes;  ///< One of them; empty: any. So the others.
  std::vector<std::string> methods;
  std::vector<std::string> clientAddresses;
  std::string headerName, headerText;  ///< Lower-case name; the value contains the text.
  std::string text;                    ///< In a log line or an exception.
  std::string version;                 ///< The beginning of its id.
  bool takesFiles = false;             ///< What static files answer on this node, too.

  bool takes(const TailItem& item) const;
};

class TailHub;

/// One watcher's queue: what it does not take in time is lost, and counted.
class TailWatch {
 public:
  static constexpr std::size_t kItemCountMax = 200;
  static constexpr std::size_t kItemBytesMax = 4 * 1024 * 1024;

  ~TailWatch();
  TailWatch(const TailWatch&) = delete;
  TailWatch& operator=(const TailWatch&) = delete;

  struct Taken {
    std::vector<std::shared_ptr<const TailItem>> items;
    std::uint64_t lostCount = 0;  ///< Since the last time.
  };
  /// Any thread.
  Taken take();

 private:
  friend class TailHub;
  TailWatch(TailHub& hub, std::uint64_t id, std::string key, TailFilter filter,
            std::function<void()> onItem)
      : hub_(hub),
        id_(id),
        key_(std::move(key)),
        filter_(std::move(filter)),
        onItem_(std::move(onItem)) {}
  void offer(const std::shared_ptr<const TailItem>& item);
  /// Waits for take(), or counts as lost.
  void add(std::span<const std::shared_ptr<const TailItem>> items, std::uint64_t lostCount);

  TailHub& hub_;
  const std::uint64_t id_;
  const std::string key_;
  const TailFilter filter_;
  const std::function<void()> onItem_;
  std::mutex mutex_;  // Guards all below.
  Taken waiting_;
  std::size_t waitingBytes_ = 0;
};

/// Who watches which script of this node. Any thread; outlives its watches.
class TailHub {
 public:
  /// Each watcher's filter is looked at on the thread that ran the script.
  static constexpr std::size_t kScriptWatchesMax = 10;

  /// Cheap where nobody watches anything.
  bool isWatched(std::string_view tenant, std::string_view script) const;
  /// Whether the script has as many watchers as it may have.
  bool isFull(std::string_view tenant, std::string_view script) const;
  /// Never waits for a watcher.
  void publish(TailItem item);
  /// `onItem` is called on the publisher's thread when there is something to take() where there was
  /// nothing; not any more once the watch is gone. Null: isFull().
  std::unique_ptr<TailWatch> watch(std::string_view tenant, std::string_view script,
                                   TailFilter filter, std::function<void()> onItem);

  /// A watch, as other nodes are told of it.
  struct Order {
    std::uint64_t id = 0;  ///< Good while this process lives.
    std::string tenant, script;
    TailFilter filter;
  };
  static constexpr std::size_t kOrderCountMax = 1000;
  /// What is watched here, for nodes that run the scripts: no more than kOrderCountMax.
  std::vector<Order> orders() const;
  /// What another node saw, and kept back, for one of them; nothing if it is over.
  void deliver(std::uint64_t order, std::span<const std::shared_ptr<const TailItem>> items,
               std::uint64_t lostCount);

 private:
  friend class TailWatch;
  static std::string keyOf(std::string_view tenant, std::string_view script);

  std::atomic<std::size_t> count_ = 0;
  mutable std::mutex mutex_;  // Guards all below. Held while watchers are offered an item.
  /// Not the same after a restart: other nodes remember what they were told before.
  std::uint64_t lastId_ = std::uint64_t{std::random_device{}()} << 32;
  std::unordered_multimap<std::string, TailWatch*> watches_;
};

}  // namespace atolld::telemetry
