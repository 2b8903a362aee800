#pragma once

#include <array>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "loop/deadline_wheel.h"
#include "upstream/client.h"
#include "upstream/connection.h"
#include "upstream/origin.h"
#include "upstream/request.h"

namespace atolld::upstream {

/// Inside upstream only: who holds origins, connections and requests, and brings them together.
/// Callers, requests and connections note what they want; all of it happens once a round.
class Pool {
 public:
  Pool(loop::Loop& loop, loop::Resolver& resolver, ClientOptions options);
  ~Pool();
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  http::ClientExchange& start(http::RequestHead head, std::optional<Bytes> body,
                              http::ClientSink& sink);
  const ClientStats& stats() const { return stats_; }

  // For requests and connections.
  loop::Loop& eventLoop() { return loop_; }
  loop::Resolver& resolver() { return resolver_; }
  loop::DeadlineWheel& deadlines() { return wheel_; }
  const ClientLimits& limits() const { return options_.limits; }
  const std::shared_ptr<const tls::ClientContext>& tls() const { return options_.tls; }
  ClientStats& mutableStats() { return stats_; }
  std::span<char> receiveBuffer() { return receiveBuffer_; }
  std::span<char> scratchBuffer() { return scratchBuffer_; }
  bool closing() const { return closing_; }
  /// The one place that decides whether an address may be connected to.
  Result<> mayConnect(const loop::SocketAddress& address) const;
  void wantsFlush(Connection& connection);
  void wantsAssign(Origin& origin);
  /// Queues a request again that a kept connection lost.
  void retry(Request& request);
  /// Takes a request out of everything; the list holds it and nothing else.
  std::list<Request> release(Request& request);

 private:
  void runRound();
  void assign(Origin& origin);
  void openFor(Origin& origin);
  bool makeRoom();
  void remove(Connection& connection);
  void onConnectFailed(Origin& origin, const Error& error);
  void forgetUnused(Origin& origin);

  loop::Loop& loop_;
  loop::Resolver& resolver_;
  const ClientOptions options_;
  ClientStats stats_;
  loop::DeadlineWheel wheel_;
  std::map<OriginName, Origin> origins_;
  std::list<Request> requests_;
  std::vector<Request*> refused_;  // Started for an origin that cannot be.
  std::vector<Connection*> flushes_;
  std::vector<Origin*> assigns_;
  std::size_t connectionCount_ = 0;
  bool closing_ = false;
  loop::Deferred round_;
  std::array<char, 64 * 1024> receiveBuffer_;
  std::array<char, 16 * 1024> scratchBuffer_;
};

}  // namespace atolld::upstream
