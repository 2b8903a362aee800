#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>

#include "control/call.h"
#include "control/rate_limiter.h"
#include "control/router.h"
#include "control/tails.h"
#include "http/handler.h"
#include "loop/loop.h"
#include "loop/mailbox.h"
#include "loop/thread_pool.h"

namespace atolld::control {

class TailSocket;

struct HandlerOptions {
  std::uint64_t bodyBytesMax = 100ull * 1024 * 1024;
  std::uint64_t pendingBytesMax = 512ull * 1024 * 1024;  ///< Bodies held at once.
  std::size_t threadCount = 2;  ///< For uploads, which take a core and an isolate each.
  std::string hostname;         ///< Accepted beside localhost and IP literals.
  /// Calls with one token, in the long run; ten seconds' worth at once. 0: no limit.
  std::uint64_t callsPerSecond = 1000;
  /// Calls from one address (IPv6: network) with a token that is not known. 0: no limit.
  std::uint64_t authFailuresPerMinute = 60;
};

/// The control API (README.md) as an HTTP handler. Loop thread only; what blocks runs on threads of
/// its own, and a client that goes away meanwhile costs nothing but the work begun.
///
/// A request is refused before its body is read unless the path exists, the Host is one of ours (a
/// foreign website cannot reach us through its own name), no other Origin sent it, the caller has
/// not called too often, and the token allows it.
class ControlHandler final : public http::Handler {
 public:
  /// `loop` and what `services` names outlive the handler.
  ControlHandler(loop::Loop& loop, Services services, HandlerOptions options);
  /// Waits for work begun. Every connection must be gone: checked.
  ~ControlHandler() override;

  void onRequest(http::Exchange& exchange, std::unique_ptr<http::RequestHead> head) override;

  std::uint64_t pendingBytes() const noexcept { return pendingBytes_; }

 private:
  class Session;

  void onTail(http::Exchange& exchange, const http::RequestHead& head);

  loop::Loop& loop_;
  TailTickets tickets_;
  const Services services_;
  const HandlerOptions options_;
  const Router router_;
  RateLimiter callRate_;
  RateLimiter authFailureRate_;
  std::uint64_t pendingBytes_ = 0;
  std::unordered_map<Session*, std::shared_ptr<Session>> sessions_;
  std::unordered_map<TailSocket*, std::shared_ptr<TailSocket>> tailSockets_;
  loop::Mailbox mailbox_;
  // Last: joined before what their jobs use goes.
  std::unique_ptr<loop::ThreadPool> uploads_;
  std::unique_ptr<loop::ThreadPool> calls_;
};

}  // namespace atolld::control
