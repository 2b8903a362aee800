#include "store/rocks_holder.h"

#include <chrono>
#include <thread>

namespace atolld::store {

std::unique_ptr<Rocks> RocksHolder::replace(std::unique_ptr<Rocks> next) {
  std::unique_ptr<Rocks> former(current_.exchange(next.release()));
  for (Slot& slot : slots_) {
    while (slot.count.load() != 0) std::this_thread::sleep_for(std::chrono::microseconds(100));
  }
  return former;
}

}  // namespace atolld::store
