#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "loop/socket.h"

namespace atolld::upstream {

/// Which addresses scripts may connect to: those of the public Internet, but for the node's own;
/// besides, the networks that the operator allows. Private, link-local, multicast and reserved
/// networks are not public, nor are the addresses at which clouds answer their machines.
/// Immutable: any thread.
/// @spec RFC 6890 and the IANA special-purpose address registries
class AddressRules {
 public:
  /// @param allowed  networks as "10.0.0.0/8" and "fd00::/8", separated by blanks; an address
  ///   alone is a network of its own.
  /// @error InvalidArgument  names the word that is no network.
  static Result<AddressRules> make(std::string_view allowed);

  /// @error Forbidden  says what kind of address it is and who can allow it.
  Result<> check(const loop::SocketAddress& address) const;

 private:
  /// IPv4 as the addresses that IPv6 maps it to.
  using Address = std::array<std::uint8_t, 16>;
  struct Network {
    Address address;
    unsigned bits;
    bool has(const Address& other) const noexcept;
  };
  static Result<Network> parse(std::string_view text);
  static std::string_view kindOf(const Address& address);

  std::vector<Network> allowed_;
};

}  // namespace atolld::upstream
