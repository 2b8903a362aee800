#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

#include "loop/loop.h"
#include "loop/timer.h"

namespace atolld::loop {

/// Coarse deadlines for very many owners: one uv timer for all, and moving a deadline further away,
/// which a busy connection does for every request, is one store. Loop thread only.
///
/// A deadline is never early with respect to the time its round began, and late by a tick at most.
class DeadlineWheel {
  struct Link {
    Link* previous = this;
    Link* next = this;
    void unlink() noexcept;
    void linkBefore(Link& other) noexcept;
  };

 public:
  class Deadline;

  /// Told that a deadline passed. It may set the deadline again, or destroy it.
  class Owner {
   public:
    virtual void onDeadline(Deadline& deadline) = 0;

   protected:
    ~Owner() = default;
  };

  /// Destroying it clears it. `wheel` and `owner` must outlive it.
  class Deadline : Link {
   public:
    Deadline(DeadlineWheel& wheel, Owner& owner);
    ~Deadline();
    Deadline(const Deadline&) = delete;
    Deadline& operator=(const Deadline&) = delete;

    /// Replaces whatever was set.
    void set(std::chrono::milliseconds fromNow);
    void clear() noexcept { atMillis_ = kNever; }
    bool isSet() const noexcept { return atMillis_ != kNever; }

   private:
    friend DeadlineWheel;
    static constexpr std::uint64_t kNever = UINT64_MAX;
    DeadlineWheel& wheel_;
    Owner& owner_;
    std::uint64_t atMillis_ = kNever;
    std::uint64_t slotTick_ = 0;  // When it is looked at next, if linked.
    bool linked_ = false;
  };

  /// `loop` must outlive the wheel.
  explicit DeadlineWheel(Loop& loop,
                         std::chrono::milliseconds tick = std::chrono::milliseconds(100));
  ~DeadlineWheel();  // Every Deadline must be gone: checked.

 private:
  static constexpr std::size_t kSlotCount = 256;

  void link(Deadline& deadline);
  void unlink(Deadline& deadline) noexcept;
  void onTick();
  void visit(std::uint64_t tick);

  Loop& loop_;
  std::uint64_t tickMillis_;
  std::array<Link, kSlotCount> slots_;
  std::uint64_t visitedTick_ = 0;
  std::size_t linkedCount_ = 0;
  std::size_t deadlineCount_ = 0;
  Timer timer_;
};

}  // namespace atolld::loop
