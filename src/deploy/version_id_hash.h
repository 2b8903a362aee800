#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace atolld::deploy {

/// For tables by Version::id, which is a hash already: a part of it will do.
struct VersionIdHash {
  std::size_t operator()(std::string_view id) const noexcept {
    std::array<std::uint64_t, 2> parts{};
    std::memcpy(parts.data(), id.data(), std::min(id.size(), sizeof parts));
    return static_cast<std::size_t>(parts[0] ^ parts[1] * 0x9e3779b97f4a7c15);
  }
};

}  // namespace atolld::deploy
