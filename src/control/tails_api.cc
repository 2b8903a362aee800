// Live traces of a script: leave to watch is given here, tail_socket.cc is what is watched through.
#include <nlohmann/json.hpp>

#include "control/api.h"
#include "control/tails.h"
#include "control/wrangler.h"

namespace atolld::control {
namespace {

constexpr std::chrono::hours kLifetime{6};
/// Filters are kept with the ticket, and looked for in each invocation.
constexpr std::size_t kFilterBytesMax = 8 * 1024;

struct Leave {
  std::string id, url;
  UnixMillis expiresAt{};
};
Result<Leave> giveLeave(const Services& services, const Call& call) {
  ATOLL_TRY_VOID(services.registry.describe(call.identity.tenant, call.parameters[0], ""));
  if (services.tails.isFull(call.identity.tenant, call.parameters[0])) {
    return fail(ErrorCode::Overloaded, "the script has as many watchers as it may have: end one");
  }
  if (call.body.size() > kFilterBytesMax) {
    return fail(ErrorCode::TooLarge, "the filters have more than 8 KiB: name less");
  }
  TailTicket ticket{.tenant = call.identity.tenant,
                    .script = call.parameters[0],
                    .filter = {},
                    .expiresAt = services.clock.now() + kLifetime};
  if (!call.body.empty()) {
    ATOLL_TRY(const Json body, parseJson(call.body.view(), "the body"));
    ATOLL_TRY(ticket.filter, readTailFilter(body));
  }
  Leave leave{.id = {}, .url = {}, .expiresAt = ticket.expiresAt};
  leave.id = services.tickets->add(std::move(ticket), services.clock.now());
  leave.url =
      (call.isSecure ? "wss://" : "ws://") + call.authority + std::string(kTailPath) + leave.id;
  return leave;
}

Json leaveJson(const Leave& leave) {
  return {{"id", leave.id}, {"url", leave.url}, {"expires_at", isoTime(leave.expiresAt)}};
}

Result<Answer> postTail(const Services& services, const Call& call) {
  ATOLL_TRY(const Leave leave, giveLeave(services, call));
  return answerJson(leaveJson(leave), 201);
}

Result<Answer> deleteTail(const Services& services, const Call& call) {
  services.tickets->remove(call.identity.tenant, call.parameters[1]);
  return answerNothing();
}

Result<Answer> postWranglerTail(const Services& services, const Call& call) {
  ATOLL_TRY(const Leave leave, giveLeave(services, call));
  return wrangler::answer(leaveJson(leave));
}

Result<Answer> deleteWranglerTail(const Services& services, const Call& call) {
  services.tickets->remove(call.identity.tenant, call.parameters[1]);
  return wrangler::answer(nullptr);
}

// What scripts print and what they are asked is their data: ReadValues.
constexpr Route kRoutes[] = {
    {"POST", "/api/v1/scripts/:script/tails", Access::ReadValues, BodyLimit::Small, postTail},
    {"DELETE", "/api/v1/scripts/:script/tails/:tail", Access::ReadValues, BodyLimit::None,
     deleteTail},
    {"POST", "/client/v4/accounts/:account/workers/scripts/:script/tails", Access::ReadValues,
     BodyLimit::Small, postWranglerTail},
    {"DELETE", "/client/v4/accounts/:account/workers/scripts/:script/tails/:tail",
     Access::ReadValues, BodyLimit::None, deleteWranglerTail},
};

}  // namespace

std::span<const Route> tailRoutes() { return kRoutes; }

}  // namespace atolld::control
