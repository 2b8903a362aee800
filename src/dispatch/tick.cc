#include "dispatch/tick.h"

#include <algorithm>
#include <array>

#include "http/query.h"

namespace atolld::dispatch {
namespace {

constexpr std::string_view kPath = "/cdn-cgi/handler/scheduled";
// What a Date of JavaScript can hold (ECMA-262, time values).
constexpr std::int64_t kTimeMillisMax = 8'640'000'000'000'000;

bool isThisMachine(std::string_view address) {
  return address.starts_with("127.") || address == "::1" || address.starts_with("::ffff:127.");
}

bool isForwarded(const http::HeaderList& headers) {
  constexpr std::array<std::string_view, 4> kAdded{"forwarded", "via", "x-forwarded-for",
                                                   "x-real-ip"};
  return std::ranges::any_of(kAdded, [&](auto name) { return headers.find(name).has_value(); });
}

}  // namespace

bool asksForTick(const http::RequestHead& head) {
  const std::string_view target = head.target;
  const bool isPath =
      target.starts_with(kPath) && (target.size() == kPath.size() || target[kPath.size()] == '?');
  return isPath && head.method == "GET" && head.connection != nullptr &&
         isThisMachine(head.connection->clientAddress) && !isForwarded(head.headers);
}

Result<isolate::host::ScheduledEvent> parseTick(std::string_view target, std::int64_t nowMillis) {
  target.remove_prefix(std::min(kPath.size() + 1, target.size()));
  ATOLL_TRY(const http::Query query, http::Query::parse(target));
  ATOLL_TRY(const auto time, query.findNumber("time", -kTimeMillisMax, kTimeMillisMax));
  isolate::host::ScheduledEvent tick;
  tick.cron = query.find("cron").value_or("");
  tick.timeMillis = time.value_or(nowMillis);
  return tick;
}

}  // namespace atolld::dispatch
