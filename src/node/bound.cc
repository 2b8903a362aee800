#include "node/bound.h"

#include <utility>

namespace atolld::node {

Result<Bound> bindAddress(const std::optional<config::Address>& address, std::size_t count) {
  Bound bound;
  if (!address) return bound;
  ATOLL_TRY(const loop::SocketAddress wanted, loop::SocketAddress::parse(address->toString()));
  auto opened = loop::openListenSockets(wanted, count);
  if (!opened) return fail(opened.error(), address->toString());
  bound.sockets = *std::move(opened);
  ATOLL_TRY(const loop::SocketAddress local, loop::localAddress(bound.sockets.front().get()));
  bound.address = local.toString();
  bound.port = local.port();
  return bound;
}

}  // namespace atolld::node
