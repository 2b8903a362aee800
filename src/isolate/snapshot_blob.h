#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace atolld::isolate {

/// Our envelope around V8's blob: a magic and the fingerprint of the guest it was made from, padded
/// so that a blob embedded with this alignment stays aligned.
inline constexpr std::size_t kSnapshotAlignment = 64;
inline constexpr std::string_view kSnapshotMagic = "atollsnapshot-1\n";

inline std::string packSnapshot(std::uint64_t fingerprint, std::string_view blob) {
  std::string packed(kSnapshotMagic);
  packed.append(reinterpret_cast<const char*>(&fingerprint), sizeof fingerprint);
  packed.resize(kSnapshotAlignment, '\0');
  packed.append(blob);
  return packed;
}

/// V8's blob, or nothing if `packed` is not a snapshot of the guest with that fingerprint.
inline std::string_view unpackSnapshot(std::uint64_t fingerprint, std::string_view packed) {
  if (packed.size() <= kSnapshotAlignment || !packed.starts_with(kSnapshotMagic) ||
      std::memcmp(packed.data() + kSnapshotMagic.size(), &fingerprint, sizeof fingerprint) != 0) {
    return {};
  }
  return packed.substr(kSnapshotAlignment);
}

}  // namespace atolld::isolate
