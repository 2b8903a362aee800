#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.h"

namespace atolld::store {

/// What the cluster's secrets are encrypted with before they enter the log, so that no replica,
/// snapshot or backup of the log shows one. Kept outside of it: in a file of each node that may
/// read secrets. Immutable: any thread.
///
/// A sealed value is: format, the key's id, the value's own random key wrapped by this one, and the
/// value under that; both with AES-256-GCM. Another cluster key needs to wrap anew only.
class ClusterKey {
 public:
  static ClusterKey random();
  /// The text of a key file: what toText() gave, and a line's end. @error InvalidArgument
  static Result<ClusterKey> parse(std::string_view text);
  ClusterKey(const ClusterKey&) = default;
  ClusterKey& operator=(const ClusterKey&) = default;
  ~ClusterKey();

  std::string toText() const;  ///< A secret.

  /// Encrypts `plain`. What `context` says (whose secret it is, and its name) is bound to it: it
  /// opens with the same context only. Twice the same value gives two texts.
  std::string seal(std::string_view context, std::string_view plain) const;
  /// @error Unavailable  sealed with another key: this node has the wrong key file
  /// @error Corrupt  not what seal() made for this context
  Result<std::string> open(std::string_view context, std::string_view sealed) const;

 private:
  static constexpr std::size_t kKeyBytes = 32;
  ClusterKey() = default;
  std::string id() const;  ///< Tells keys apart, and nothing else about them.

  std::array<char, kKeyBytes> key_{};
};

}  // namespace atolld::store
