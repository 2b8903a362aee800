#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <random>
#include <utility>
#include <vector>

#include "base/result.h"
#include "replication/frames.h"

namespace atolld::replication {

struct FollowerLimits {
  /// From asking for a stream to its greeting.
  std::chrono::milliseconds greeting{10'000};
  /// Without a byte; a source says something every second.
  std::chrono::milliseconds silence{5'000};
  /// Age of the newest news above which another upstream is tried.
  std::chrono::milliseconds stale{30'000};
  /// Without progress of a bootstrap.
  std::chrono::milliseconds bootstrapSilence{30'000};
  std::chrono::milliseconds backOffMin{100};
  std::chrono::milliseconds backOffMax{5'000};
  /// Following for so long makes up for the failures before.
  std::chrono::milliseconds recovery{5'000};
};

/// Decides what a follower does; does none of it. Time is an argument: from any fixed start, never
/// backwards. README.md has the table of states and events, and a simulation runs thousands of
/// fleets of these on a clock of its own.
///
/// The owner reports what happened, then carries out takeActions(), and calls onTime() at
/// nextWake(). What it reports of a stream or bootstrap is about the last one that it was told to
/// begin.
class FollowerMachine {
 public:
  using Time = std::chrono::milliseconds;

  enum class State : std::uint8_t {
    Waiting,        ///< For the end of a back-off.
    Connecting,     ///< A stream was asked for and has not greeted.
    Following,      ///< Entries and news come in.
    Bootstrapping,  ///< A checkpoint is being fetched.
  };
  struct Action {
    enum class Kind : std::uint8_t { Connect, Disconnect, Bootstrap, CancelBootstrap } kind;
    std::size_t upstream = 0;
  };

  /// `upstreamCount` is at least 1; `indexNow` is the position that the replica starts from.
  FollowerMachine(const FollowerLimits& limits, std::size_t upstreamCount, std::uint64_t seed,
                  std::uint64_t indexNow);

  void start(Time now);
  void onTime(Time now);
  void onHello(Time now, const Hello& hello);
  void onNews(Time now, const News& news);
  void onHeard(Time now) { heardAt_ = now; }  ///< Any bytes of the stream.
  /// The stream ended, or could not be had.
  void onStreamEnded(Time now);
  void onApplied(Time now, std::uint64_t index);
  /// @param code  Corrupt: the entries do not follow from what is here. Anything else: this node
  ///   could not write them, and tries again later.
  void onApplyFailed(Time now, ErrorCode code);
  void onBootstrapProgress(Time now) { heardAt_ = now; }
  void onBootstrapped(Time now, std::uint64_t index);
  void onBootstrapFailed(Time now);

  std::vector<Action> takeActions() { return std::exchange(actions_, {}); }
  Time nextWake() const;

  State state() const noexcept { return state_; }
  std::size_t upstream() const noexcept { return upstream_; }
  /// How old what this node knows is: since when there may be something that it has not applied.
  /// Nothing if it has never known.
  std::optional<Time> age(Time now) const;
  /// The newest index that an upstream told of.
  std::uint64_t headIndex() const noexcept { return headIndex_; }

 private:
  void act(Action::Kind kind) { actions_.push_back({kind, upstream_}); }
  void connect(Time now);
  void bootstrap(Time now);
  /// Ends what is under way and waits; `rotate` goes to the next upstream whatever the news.
  void retry(Time now, bool rotate);
  void noteNews(Time now, std::uint64_t headIndex, Time age);
  Time staleAt() const;
  bool isStale(Time now) const;

  const FollowerLimits limits_;
  const std::size_t upstreamCount_;
  std::mt19937_64 random_;
  State state_ = State::Waiting;
  std::size_t upstream_ = 0;
  unsigned failures_ = 0;
  Time wakeAt_{0};   ///< Waiting: the end of the back-off.
  Time heardAt_{0};  ///< Connecting: when it began; else the last byte.
  Time followingSince_{0};
  Time graceFrom_{0};
  std::uint64_t index_;
  std::uint64_t headIndex_ = 0;
  std::optional<Time> newsAt_;   ///< When the newest news was true.
  std::optional<Time> knownAt_;  ///< The same of the newest news that is applied.
  std::vector<Action> actions_;
};

}  // namespace atolld::replication
