#include <nlohmann/json.hpp>

#include "control/api.h"

namespace atolld::control {
namespace {

Json tenantJson(const store::Tenant& tenant) {
  Json json = {{"name", tenant.name}, {"created_at", isoTime(tenant.createdAt)}};
  if (tenant.isRemoving) json["state"] = "removing";
  return json;
}

Result<Answer> getTenants(const Services& services, const Call&) {
  ATOLL_TRY(const std::vector<store::Tenant> tenants, services.tenants.list());
  Json list = Json::array();
  for (const store::Tenant& tenant : tenants) list.push_back(tenantJson(tenant));
  return answerJson({{"tenants", std::move(list)}});
}

Result<Answer> postTenant(const Services& services, const Call& call) {
  ATOLL_TRY(const Json body, parseJsonObject(call.body.view(), "the body", {"name"}));
  ATOLL_TRY(const std::string name, requireString(body, "name", "the body"));
  ATOLL_TRY(const store::Tenant created, services.tenants.create(name));
  return answerJson(tenantJson(created), 201);
}

/// What is interrupted goes on when it is asked for again.
Result<Answer> deleteTenant(const Services& services, const Call& call) {
  const std::string& name = call.parameters[0];
  ATOLL_TRY_VOID(services.tenants.beginRemoval(name));
  const auto ownsNothing = [&name](const store::View& view) {
    return deploy::Registry::ownsNothing(view, name);
  };
  // Calls that were authorised before may still add something.
  for (bool isGone = false; !isGone;) {
    ATOLL_TRY_VOID(services.registry.removeAllOf(name));
    ATOLL_TRY(isGone, services.tenants.endRemoval(name, ownsNothing));
  }
  return answerNothing();
}

constexpr Route kRoutes[] = {
    {"GET", "/api/v1/tenants", Access::Operate, BodyLimit::None, getTenants},
    {"POST", "/api/v1/tenants", Access::Operate, BodyLimit::Small, postTenant},
    {"DELETE", "/api/v1/tenants/:tenant", Access::Operate, BodyLimit::None, deleteTenant},
};

}  // namespace

std::span<const Route> tenantRoutes() { return kRoutes; }

}  // namespace atolld::control
