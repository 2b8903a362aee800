#include <nlohmann/json.hpp>

#include "control/api.h"

namespace atolld::control {
namespace {

Json routeJson(const deploy::Route& route) {
  return {{"pattern", route.pattern}, {"script", route.script}};
}

Result<Answer> getRoutes(const Services& services, const Call& call) {
  ATOLL_TRY(const std::vector<deploy::Route> routes,
            services.registry.routes(call.identity.tenant));
  Json list = Json::array();
  for (const deploy::Route& route : routes) list.push_back(routeJson(route));
  return answerJson({{"routes", std::move(list)}});
}

Result<Answer> postRoute(const Services& services, const Call& call) {
  ATOLL_TRY(const Json body, parseJsonObject(call.body.view(), "the body", {"pattern", "script"}));
  ATOLL_TRY(const std::string pattern, requireString(body, "pattern", "the body"));
  ATOLL_TRY(const std::string script, requireString(body, "script", "the body"));
  ATOLL_TRY(const deploy::Route route,
            services.registry.addRoute(call.identity.tenant, script, pattern));
  return answerJson(routeJson(route), 201);
}

// The pattern stands in the query, for it may hold slashes and stars.
Result<Answer> deleteRoute(const Services& services, const Call& call) {
  const auto pattern = call.query.find("pattern");
  if (!pattern) {
    return fail(ErrorCode::InvalidArgument, "the query parameter pattern is missing");
  }
  ATOLL_TRY_VOID(services.registry.removeRoute(call.identity.tenant, *pattern));
  return answerNothing();
}

constexpr Route kRoutes[] = {
    {"GET", "/api/v1/routes", Access::Read, BodyLimit::None, getRoutes},
    {"POST", "/api/v1/routes", Access::Write, BodyLimit::Small, postRoute},
    {"DELETE", "/api/v1/routes", Access::Write, BodyLimit::None, deleteRoute},
};

}  // namespace

std::span<const Route> routeRoutes() { return kRoutes; }

}  // namespace atolld::control
