#pragma once

#include <cstdint>

namespace atolld::loop {

/// Bytes of memory the process may use: the machine's, or what its control group leaves of them.
std::uint64_t usableMemoryBytes() noexcept;
/// Memory mappings the kernel allows one process.
std::uint64_t mappingsMax() noexcept;
/// Bytes of memory the process has now.
std::uint64_t residentMemoryBytes() noexcept;

}  // namespace atolld::loop
