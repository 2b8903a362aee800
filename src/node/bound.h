#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "config/config.h"
#include "loop/socket.h"

namespace atolld::node {

/// The sockets of one configured address, one a shard, and the address the kernel gave.
struct Bound {
  std::vector<loop::Descriptor> sockets;
  std::string address;
  std::uint16_t port = 0;
};

/// Port 0 where there is no address. @error Unavailable, Io
Result<Bound> bindAddress(const std::optional<config::Address>& address, std::size_t count);

}  // namespace atolld::node
