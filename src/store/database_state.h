#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "store/acknowledged.h"
#include "store/database.h"
#include "store/rocks_holder.h"

namespace atolld::store {

class Group;
struct Author;

/// The position an opened database stands at, verified; a new database gets its first.
/// @error Corrupt, Io
Result<Position> findPosition(const Rocks& rocks, bool follows);

/// A caller that waits in commit(): lives on its stack, and is touched by the commit thread only
/// under the queue's mutex once `outcome` is there.
struct Waiter {
  Proposal proposal;
  const Author* author = nullptr;  ///< Of the caller's AuthorScope.
  std::optional<Result<Position>> outcome;
  std::condition_variable done;
};

/// Inside store only: what a Database is made of.
struct Database::State {
  State(std::unique_ptr<Rocks> openRocks, AcknowledgedFile acknowledgedFile, Position start,
        const Clock& wallClock, const DatabaseOptions& given)
      : clock(wallClock),
        options(given),
        path(given.path),
        acknowledged(std::move(acknowledgedFile)),
        rocks(std::move(openRocks)),
        position(std::move(start)) {}

  Position currentPosition() const {
    const std::scoped_lock lock(mutex);
    return position;
  }

  /// The commit thread's life: takes what is queued as a group, until told to stop.
  void run() noexcept;
  void commitGroup(std::vector<Waiter*> members);
  /// Runs the proposals of `members` until the group is full; the rest go back to the queue.
  std::vector<Waiter*> gather(Group& group, std::vector<Waiter*> members,
                              std::vector<Result<Position>>& outcomes);
  void acknowledge(const std::vector<Waiter*>& members, std::vector<Result<Position>> outcomes);

  const Clock& clock;
  const DatabaseOptions options;
  const std::string path;
  const AcknowledgedFile acknowledged;
  mutable RocksHolder rocks;
  std::function<void(const Position&, const Changes&)> listener;

  mutable std::mutex mutex;  // Guards all below.
  std::condition_variable wake;
  std::deque<Waiter*> queue;
  bool isStopping = false;
  std::string failure;  // Why commits are refused; empty while they are not.
  Position position;

  std::thread committer;
};

}  // namespace atolld::store
