#pragma once

#include <cstdint>

namespace atolld::loop {

/// Bytes of memory the process may use: the machine's, or what its control group leaves of them.
std::uint64_t usableMemoryBytes() noexcept;

}  // namespace atolld::loop
