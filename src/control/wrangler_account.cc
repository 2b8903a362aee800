// /client/v4: who calls, accounts, zones.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/encoding.h"
#include "control/api.h"
#include "control/wrangler.h"

namespace atolld::control {
namespace {

using wrangler::answer;

Result<Answer> getVerify(const Services&, const Call& call) {
  return answer({{"id", call.identity.tokenId}, {"status", "active"}});
}

Result<Answer> getUser(const Services& services, const Call& call) {
  return answer({{"id", wrangler::accountId("user " + call.identity.tenant)},
                 {"email", wrangler::authorOf(services, call)},
                 {"two_factor_authentication_enabled", false}});
}

Json accountJson(const Call& call) {
  return {{"id", wrangler::accountId(call.identity.tenant)},
          {"name", call.identity.tenant},
          {"type", "standard"}};
}

// One account a token: a second page of them is empty.
Answer answerList(const Call& call, const Json& item) {
  const bool isFirst = call.query.find("page").value_or("1") == "1";
  Json list = Json::array();
  if (isFirst) list.push_back(item);
  return answer(
      list,
      {{"page", isFirst ? 1 : 2}, {"per_page", 50}, {"count", list.size()}, {"total_count", 1}});
}

Result<Answer> getAccounts(const Services&, const Call& call) {
  return answerList(call, accountJson(call));
}

Result<Answer> getAccount(const Services&, const Call& call) { return answer(accountJson(call)); }

Result<Answer> getMemberships(const Services&, const Call& call) {
  Json item = {{"id", wrangler::accountId("membership " + call.identity.tenant)},
               {"status", "accepted"},
               {"account", accountJson(call)},
               {"roles", {store::roleName(call.identity.role)}}};
  return answerList(call, item);
}

// Where scripts answer is said per script (wrangler_scripts.cc); this is asked for all the same.
Result<Answer> getSubdomain(const Services&, const Call& call) {
  return answer({{"subdomain", call.identity.tenant}});
}

// A hostname is any script's that asks for it first: so every name is a zone of one's own.
Result<Answer> getZones(const Services&, const Call& call) {
  const auto name = call.query.find("name");
  if (!name) return answer(Json::array(), {{"page", 1}, {"per_page", 50}, {"total_count", 0}});
  return answerList(call, {{"id", toHex(*name)},
                           {"name", *name},
                           {"status", "active"},
                           {"account", accountJson(call)}});
}

Result<Answer> getZoneRoutes(const Services& services, const Call& call) {
  ATOLL_TRY(const std::vector<deploy::Route> routes,
            services.registry.routes(call.identity.tenant));
  const std::string zone = parseHex(call.parameters[0]).value_or("");
  Json list = Json::array();
  for (const deploy::Route& route : routes) {
    const std::string_view host =
        std::string_view(route.pattern).substr(0, route.pattern.find('/'));
    if (zone.empty() || !host.ends_with(zone)) continue;
    list.push_back(
        {{"id", toHex(route.pattern)}, {"pattern", route.pattern}, {"script", route.script}});
  }
  return answer(list);
}

constexpr Route kRoutes[] = {
    {"GET", "/client/v4/user/tokens/verify", Access::Any, BodyLimit::None, getVerify},
    {"GET", "/client/v4/user", Access::Any, BodyLimit::None, getUser},
    {"GET", "/client/v4/accounts", Access::Any, BodyLimit::None, getAccounts},
    {"GET", "/client/v4/accounts/:account", Access::Any, BodyLimit::None, getAccount},
    {"GET", "/client/v4/memberships", Access::Any, BodyLimit::None, getMemberships},
    {"GET", "/client/v4/accounts/:account/workers/subdomain", Access::Any, BodyLimit::None,
     getSubdomain},
    {"GET", "/client/v4/zones", Access::Any, BodyLimit::None, getZones},
    {"GET", "/client/v4/zones/:zone/workers/routes", Access::Read, BodyLimit::None, getZoneRoutes},
};

}  // namespace

std::span<const Route> wranglerAccountRoutes() { return kRoutes; }

}  // namespace atolld::control
