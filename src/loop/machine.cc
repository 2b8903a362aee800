#include "loop/machine.h"

#include <uv.h>

#include <algorithm>
#include <fstream>

namespace atolld::loop {

std::uint64_t usableMemoryBytes() noexcept {
  const std::uint64_t total = uv_get_total_memory(), constrained = uv_get_constrained_memory();
  return constrained == 0 ? total : std::min(total, constrained);
}

std::uint64_t mappingsMax() noexcept {
  constexpr std::uint64_t kUsual = 65'530;
  std::ifstream file("/proc/sys/vm/max_map_count");
  std::uint64_t count = 0;
  return file >> count ? count : kUsual;
}

std::uint64_t residentMemoryBytes() noexcept {
  std::size_t bytes = 0;
  return uv_resident_set_memory(&bytes) == 0 ? bytes : 0;
}

}  // namespace atolld::loop
