#include "replication/follower_machine.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace atolld::replication {

FollowerMachine::FollowerMachine(const FollowerLimits& limits, std::size_t upstreamCount,
                                 std::uint64_t seed, std::uint64_t indexNow)
    : limits_(limits), upstreamCount_(upstreamCount), random_(seed), index_(indexNow) {
  ATOLL_CHECK(upstreamCount > 0);
}

void FollowerMachine::start(Time now) { connect(now); }

void FollowerMachine::connect(Time now) {
  state_ = State::Connecting;
  heardAt_ = now;
  act(Action::Kind::Connect);
}

void FollowerMachine::bootstrap(Time now) {
  act(Action::Kind::Disconnect);
  state_ = State::Bootstrapping;
  heardAt_ = now;
  // Counted as a failure until following proves that it helped: a node never bootstraps in a loop
  // without pauses.
  ++failures_;
  act(Action::Kind::Bootstrap);
}

FollowerMachine::Time FollowerMachine::staleAt() const {
  const Time from = state_ == State::Following ? graceFrom_ : Time::min() / 2;
  return std::max(from, newsAt_.value_or(from)) + limits_.stale;
}

bool FollowerMachine::isStale(Time now) const { return now > staleAt(); }

void FollowerMachine::retry(Time now, bool rotate) {
  if (state_ == State::Connecting || state_ == State::Following) act(Action::Kind::Disconnect);
  if (state_ == State::Bootstrapping) act(Action::Kind::CancelBootstrap);
  if (state_ == State::Following && now - followingSince_ >= limits_.recovery) failures_ = 0;
  if (rotate || isStale(now)) upstream_ = (upstream_ + 1) % upstreamCount_;
  state_ = State::Waiting;
  const auto doubled = limits_.backOffMin * (1 << std::min(failures_, 16u));
  const auto most = std::min(doubled, limits_.backOffMax);
  std::uniform_int_distribution<std::int64_t> jitter(most.count() / 2, most.count());
  wakeAt_ = now + Time(jitter(random_));
  ++failures_;
}

void FollowerMachine::onTime(Time now) {
  switch (state_) {
    case State::Waiting:
      if (now >= wakeAt_) connect(now);
      return;
    case State::Connecting:
      if (now - heardAt_ >= limits_.greeting) retry(now, false);
      return;
    case State::Following:
      if (now - heardAt_ >= limits_.silence || isStale(now)) retry(now, false);
      return;
    case State::Bootstrapping:
      if (now - heardAt_ >= limits_.bootstrapSilence) retry(now, false);
      return;
  }
}

FollowerMachine::Time FollowerMachine::nextWake() const {
  switch (state_) {
    case State::Waiting:
      return wakeAt_;
    case State::Connecting:
      return heardAt_ + limits_.greeting;
    case State::Following:
      return std::min(heardAt_ + limits_.silence, staleAt() + Time(1));
    case State::Bootstrapping:
      return heardAt_ + limits_.bootstrapSilence;
  }
  return wakeAt_;
}

void FollowerMachine::onHello(Time now, const Hello& hello) {
  if (state_ != State::Connecting) return;
  heardAt_ = now;
  // A relay that is cut off itself may be of a past that the fleet has left: never started from.
  const bool isCurrent = hello.isRoot || hello.age <= limits_.stale;
  switch (hello.verdict) {
    case Verdict::Follow:
      if (!isCurrent && upstreamCount_ > 1) return retry(now, true);
      state_ = State::Following;
      followingSince_ = now;
      noteNews(now, hello.head.index, hello.age);
      graceFrom_ = now;  // An old source's entries are better than none: it gets its 30 s too.
      return;
    case Verdict::TooOld:
    case Verdict::Foreign:
      if (!isCurrent) return retry(now, true);
      return bootstrap(now);
    case Verdict::BehindYou:
      // The root has every entry there is: what we have beyond it is of a past that was undone.
      if (hello.isRoot) return bootstrap(now);
      return retry(now, true);
  }
}

void FollowerMachine::noteNews(Time now, std::uint64_t headIndex, Time age) {
  const Time at = now - age;
  headIndex_ = headIndex;
  if (!newsAt_ || at > *newsAt_) newsAt_ = at;
  if (index_ >= headIndex && (!knownAt_ || at > *knownAt_)) knownAt_ = at;
}

void FollowerMachine::onNews(Time now, const News& news) {
  if (state_ != State::Following) return;
  heardAt_ = now;
  noteNews(now, news.headIndex, news.age);
}

void FollowerMachine::onStreamEnded(Time now) {
  if (state_ == State::Connecting || state_ == State::Following) retry(now, false);
}

void FollowerMachine::onApplied(Time now, std::uint64_t index) {
  heardAt_ = std::max(heardAt_, now);
  index_ = index;
  headIndex_ = std::max(headIndex_, index);
  if (index_ >= headIndex_ && newsAt_ && (!knownAt_ || *newsAt_ > *knownAt_)) knownAt_ = newsAt_;
}

void FollowerMachine::onApplyFailed(Time now, ErrorCode code) {
  if (state_ != State::Following) return;
  if (code == ErrorCode::Corrupt) return bootstrap(now);
  retry(now, false);
}

void FollowerMachine::onBootstrapped(Time now, std::uint64_t index) {
  index_ = index;
  if (state_ == State::Bootstrapping) connect(now);
}

void FollowerMachine::onBootstrapFailed(Time now) {
  if (state_ == State::Bootstrapping) retry(now, true);
}

std::optional<FollowerMachine::Time> FollowerMachine::age(Time now) const {
  if (!knownAt_) return std::nullopt;
  return std::max(Time(0), now - *knownAt_);
}

}  // namespace atolld::replication
