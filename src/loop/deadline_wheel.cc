#include "loop/deadline_wheel.h"

#include <algorithm>

#include "base/check.h"

namespace atolld::loop {

void DeadlineWheel::Link::unlink() noexcept {
  previous->next = next;
  next->previous = previous;
  previous = next = this;
}

void DeadlineWheel::Link::linkBefore(Link& other) noexcept {
  previous = other.previous;
  next = &other;
  previous->next = this;
  other.previous = this;
}

DeadlineWheel::Deadline::Deadline(DeadlineWheel& wheel, Owner& owner)
    : wheel_(wheel), owner_(owner) {
  ++wheel_.deadlineCount_;
}

DeadlineWheel::Deadline::~Deadline() {
  if (linked_) wheel_.unlink(*this);
  --wheel_.deadlineCount_;
}

void DeadlineWheel::Deadline::set(std::chrono::milliseconds fromNow) {
  atMillis_ = wheel_.loop_.nowMillis() + static_cast<std::uint64_t>(fromNow.count());
  // Further away than where it stands: found out when its slot is looked at.
  if (linked_ && slotTick_ <= atMillis_ / wheel_.tickMillis_ + 1) return;
  if (linked_) wheel_.unlink(*this);
  wheel_.link(*this);
}

DeadlineWheel::DeadlineWheel(Loop& loop, std::chrono::milliseconds tick)
    : loop_(loop), tickMillis_(static_cast<std::uint64_t>(tick.count())), timer_(loop) {
  ATOLL_CHECK(tick.count() > 0);
}

DeadlineWheel::~DeadlineWheel() { ATOLL_CHECK(deadlineCount_ == 0); }

void DeadlineWheel::link(Deadline& deadline) {
  if (!timer_.active() && linkedCount_ == 0) {
    visitedTick_ = loop_.nowMillis() / tickMillis_;
    timer_.start(std::chrono::milliseconds(tickMillis_), [this] { onTick(); });
  }
  const std::uint64_t due = deadline.atMillis_ / tickMillis_ + 1;
  deadline.slotTick_ = std::clamp(due, visitedTick_ + 1, visitedTick_ + kSlotCount - 1);
  deadline.linkBefore(slots_[deadline.slotTick_ % kSlotCount]);
  deadline.linked_ = true;
  ++linkedCount_;
}

void DeadlineWheel::unlink(Deadline& deadline) noexcept {
  static_cast<Link&>(deadline).unlink();
  deadline.linked_ = false;
  if (--linkedCount_ == 0) timer_.stop();
}

void DeadlineWheel::onTick() {
  const std::uint64_t now = loop_.nowMillis() / tickMillis_;
  // After a long stall one turn of the wheel looks at everything there is.
  if (now - visitedTick_ > kSlotCount) visitedTick_ = now - kSlotCount;
  while (visitedTick_ < now && linkedCount_ > 0) visit(++visitedTick_);
  if (linkedCount_ > 0) {
    timer_.start(std::chrono::milliseconds(tickMillis_), [this] { onTick(); });
  }
}

void DeadlineWheel::visit(std::uint64_t tick) {
  Link& slot = slots_[tick % kSlotCount];
  // The slot's contents move to a list of their own: callbacks set and destroy deadlines.
  Link due;
  if (slot.next == &slot) return;
  due.linkBefore(slot);
  slot.unlink();
  while (due.next != &due) {
    auto& deadline = static_cast<Deadline&>(*due.next);
    unlink(deadline);
    if (!deadline.isSet()) continue;
    if (deadline.atMillis_ > loop_.nowMillis()) {
      link(deadline);
      continue;
    }
    deadline.clear();
    deadline.owner_.onDeadline(deadline);
  }
}

}  // namespace atolld::loop
