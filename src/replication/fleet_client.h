#pragma once

#include <functional>
#include <list>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "loop/loop.h"
#include "loop/resolver.h"
#include "tls/context.h"
#include "upstream/client.h"

namespace atolld::replication {

/// Names that the fleet's certificates are for. The addresses are an operator's affair and change;
/// who is spoken to is decided by these.
inline constexpr std::string_view kFleetDomain = "atoll.internal";
inline constexpr std::string_view kNodeName = "fleet.atoll.internal";       ///< Any node.
inline constexpr std::string_view kControlName = "control.atoll.internal";  ///< The control plane.

/// "host:port" of an https URL without a path. @error InvalidArgument
Result<std::string> parseFleetUrl(std::string_view url);

/// Calls of one node to another. Loop thread only.
class FleetClient {
 public:
  using Done = std::function<void(Result<std::string> body)>;

  /// Both outlive it.
  FleetClient(loop::Loop& loop, loop::Resolver& resolver,
              std::shared_ptr<const tls::ClientContext> tls);
  /// Calls that are open end with Aborted.
  ~FleetClient();

  /// POST. `done` gets the body of a 200, or the error that the other side names, or why it could
  /// not be asked (Unavailable, Timeout, Protocol); never from inside.
  void call(const std::string& authority, std::string_view path, std::string body, Done done);
  /// GET of something large or endless; `sink` as for upstream::Client::start().
  http::ClientExchange& open(const std::string& authority, std::string target,
                             http::ClientSink& sink);
  /// Makes new connections from now on: over one that has gone silent, no call ever comes through.
  /// What is open ends with Aborted. Not from inside a call's or a stream's callback.
  void reconnect();
  /// The same, with another certificate.
  void useTls(std::shared_ptr<const tls::ClientContext> tls) {
    tls_ = std::move(tls);
    reconnect();
  }

 private:
  class Call;
  std::list<std::unique_ptr<Call>> calls_;
  loop::Loop& loop_;
  loop::Resolver& resolver_;
  std::shared_ptr<const tls::ClientContext> tls_;
  std::unique_ptr<upstream::Client> client_;  // First to go: it ends the calls.
};

/// The error that a status and `atoll-error` stand for.
Error errorOf(const http::ResponseHead& head, std::string_view text);

}  // namespace atolld::replication
