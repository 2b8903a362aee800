#pragma once

#include <functional>
#include <list>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "loop/loop.h"
#include "loop/mailbox.h"
#include "loop/thread_pool.h"
#include "loop/timer.h"
#include "replication/checkpoint_fetch.h"
#include "replication/fleet_client.h"
#include "replication/follower_machine.h"
#include "store/database.h"

namespace atolld::replication {

struct FollowerOptions {
  std::vector<std::string> upstreams;  ///< "host:port", the preferred one first.
  std::string dataDir;
  FollowerLimits limits;
};

struct FollowerStatus {
  std::string state;     ///< "following", "connecting" …
  std::string upstream;  ///< The one in use or tried.
  store::Position position;
  std::uint64_t headIndex = 0;
  std::chrono::milliseconds lag{0};  ///< From the last entry's commit to its application here.
  std::optional<std::chrono::milliseconds> age;  ///< FollowerMachine::age().
  std::uint64_t bootstraps = 0;
  std::string trouble;  ///< Why it is not following; empty while it is.
};

/// Keeps this node's replica what the control plane's log says: carries out a FollowerMachine's
/// decisions. Loop thread only.
class Follower {
 public:
  /// All but `options` are borrowed.
  Follower(loop::Loop& loop, FleetClient& client, store::Database& database, const Clock& clock,
           FollowerOptions options);
  /// Waits for work begun.
  ~Follower();

  void start();
  FollowerStatus status() const;
  /// Calls once, later, when the replica has the entry with this index.
  void whenApplied(std::uint64_t index, std::function<void()> then);
  /// Called when it knows everything that its upstream knows, for the first time.
  void onCaughtUp(std::function<void()> then) { onCaughtUp_ = std::move(then); }

 private:
  class Stream;

  FollowerMachine::Time now() const;
  void settle();
  void carryOut(const FollowerMachine::Action& action);
  void connect(const std::string& upstream);
  void disconnect();
  void bootstrap(const std::string& upstream);
  void install(const std::string& directory);
  void onStreamEnded(const Error& why);
  void apply(EntryBatch batch, std::uint64_t streamNumber);
  void onApplied(const Result<store::Applied>& applied, bool isCurrent);
  void tellWaiting(std::uint64_t index);
  void say(std::string_view event, std::string_view detail);

  loop::Loop& loop_;
  FleetClient& client_;
  store::Database& database_;
  const Clock& clock_;
  const FollowerOptions options_;
  FollowerMachine machine_;
  std::unique_ptr<Stream> stream_;
  std::vector<std::unique_ptr<Stream>> ended_;
  std::unique_ptr<CheckpointFetch> fetch_;
  std::uint64_t streamCount_ = 0;
  std::uint64_t bootstraps_ = 0;
  std::chrono::milliseconds lag_{0};
  std::string trouble_;
  bool isInstalling_ = false;
  const std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  std::function<void()> onCaughtUp_;
  std::list<std::pair<std::uint64_t, std::function<void()>>> waiting_;
  loop::Timer timer_;
  loop::Mailbox mailbox_;
  std::unique_ptr<loop::ThreadPool> pool_;  // Last: joined before what its jobs use goes.
};

}  // namespace atolld::replication
