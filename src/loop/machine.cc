#include "loop/machine.h"

#include <uv.h>

#include <algorithm>

namespace atolld::loop {

std::uint64_t usableMemoryBytes() noexcept {
  const std::uint64_t total = uv_get_total_memory(), constrained = uv_get_constrained_memory();
  return constrained == 0 ? total : std::min(total, constrained);
}

}  // namespace atolld::loop
