#pragma once

#include <array>
#include <atomic>
#include <memory>

#include "store/rocks.h"

namespace atolld::store {

/// The RocksDB in use, which can be replaced while it is read. A reader pays for two increments of
/// a counter that it shares with few other threads; it never waits. Any thread.
class RocksHolder {
 public:
  explicit RocksHolder(std::unique_ptr<Rocks> rocks) : current_(rocks.release()) {}
  ~RocksHolder() { delete current_.load(); }
  RocksHolder(const RocksHolder&) = delete;
  RocksHolder& operator=(const RocksHolder&) = delete;

  /// Keeps what it points to open.
  class Use {
   public:
    Use(Use&& other) noexcept : slot_(std::exchange(other.slot_, nullptr)), rocks_(other.rocks_) {}
    Use& operator=(Use&&) = delete;
    ~Use() {
      if (slot_ != nullptr) slot_->fetch_sub(1);
    }
    const Rocks& operator*() const noexcept { return *rocks_; }
    const Rocks* operator->() const noexcept { return rocks_; }

   private:
    friend RocksHolder;
    explicit Use(RocksHolder& holder) : slot_(&holder.slots_[slotOfThread()].count) {
      // Sequentially consistent, as the exchange below: either it sees our count, or we see its
      // new pointer.
      slot_->fetch_add(1);
      rocks_ = holder.current_.load();
    }
    std::atomic<std::uint32_t>* slot_;
    const Rocks* rocks_;
  };
  Use use() { return Use(*this); }

  /// From now on `next` is used. Returns the former once nobody uses it any more: a reader's call,
  /// or the life of its view.
  std::unique_ptr<Rocks> replace(std::unique_ptr<Rocks> next);

 private:
  static constexpr std::size_t kSlotCount = 32;
  struct alignas(64) Slot {
    std::atomic<std::uint32_t> count{0};
  };
  static std::size_t slotOfThread() noexcept {
    static std::atomic<std::size_t> last{0};
    thread_local const std::size_t slot = last.fetch_add(1, std::memory_order_relaxed) % kSlotCount;
    return slot;
  }

  std::array<Slot, kSlotCount> slots_;
  std::atomic<Rocks*> current_;
};

}  // namespace atolld::store
