#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "control/json.h"
#include "telemetry/tail.h"

namespace atolld::control {

/// Leave to watch a script, for whoever has its id.
struct TailTicket {
  std::string tenant, script;
  telemetry::TailFilter filter;
  UnixMillis expiresAt{};
};

/// The leaves that were given. Any thread.
class TailTickets {
 public:
  static constexpr std::size_t kCountMax = 10'000;
  static constexpr std::size_t kTenantCountMax = 50;

  /// Where there are too many, the tenant's own first, the one that is over first gives way: it
  /// was most likely used, and a watcher that is connected stays.
  /// @return the ticket's id, a secret.
  std::string add(TailTicket ticket, UnixMillis now);
  std::optional<TailTicket> find(std::string_view id, UnixMillis now) const;
  void remove(std::string_view tenant, std::string_view id);

 private:
  void makeRoom(std::string_view tenant);

  mutable std::mutex mutex_;
  // Guarded by mutex_.
  std::map<std::string, TailTicket, std::less<>> tickets_;
};

/// What of a script's invocations is wanted, as wrangler writes it:
/// `{"filters":[{"sampling_rate":0.5},{"outcome":["ok"]},{"method":["GET"]},{"query":"text"},
/// {"header":{"key":"x","query":"y"}},{"client_ip":["self"]},{"scriptVersion":"…"}]}`; ours:
/// `{"static_files":true}`.
/// @error InvalidArgument
Result<telemetry::TailFilter> readTailFilter(const Json& body);

/// An invocation as wrangler shows it. What authenticates a client is left out.
Json tailJson(const telemetry::TailItem& item);
/// For a watcher that was too slow.
Json tailLossJson(std::uint64_t lostCount);

/// Where a ticket's WebSocket is: a path of the control address.
inline constexpr std::string_view kTailPath = "/client/v4/tails/";
/// The WebSocket protocol that wrangler asks for.
inline constexpr std::string_view kTailProtocol = "trace-v1";

}  // namespace atolld::control
