#include <nlohmann/json.hpp>

#include "control/api.h"

namespace atolld::control {
namespace {

Json recordJson(const store::AuditRecord& record) {
  Json json = {{"index", record.index},
               {"time", isoTime(record.time)},
               {"action", record.action},
               {"subject", record.subject},
               {"role", record.author.role}};
  if (!record.author.tokenId.empty()) json["token_id"] = record.author.tokenId;
  if (!record.author.address.empty()) json["address"] = record.author.address;
  if (!record.author.ray.empty()) json["ray"] = record.author.ray;
  return json;
}

Result<Answer> listAudit(const Services& services, const Call& call, std::string_view tenant,
                         UnixMillis since) {
  constexpr std::int64_t kLimitMax = store::AuditLog::kListCountMax;
  ATOLL_TRY(const auto limit, call.query.findNumber("limit", 1, kLimitMax));
  ATOLL_TRY(const auto before, call.query.findNumber("before", 1, INT64_MAX));
  ATOLL_TRY(const std::vector<store::AuditRecord> records,
            services.audit.list(tenant, static_cast<std::size_t>(limit.value_or(100)),
                                static_cast<std::uint64_t>(before.value_or(0)), since));
  Json list = Json::array();
  for (const store::AuditRecord& record : records) list.push_back(recordJson(record));
  return answerJson({{"records", std::move(list)}});
}

/// Of this tenant only, not of an earlier one with its name.
Result<Answer> getAudit(const Services& services, const Call& call) {
  const std::string& name = call.identity.tenant;
  ATOLL_TRY(const std::optional<store::Tenant> tenant, services.tenants.find(name));
  if (!tenant) return fail(ErrorCode::NotFound, "there is no tenant " + name);
  return listAudit(services, call, name, tenant->createdAt);
}

/// For operators: also what was under that name before.
Result<Answer> getTenantAudit(const Services& services, const Call& call) {
  return listAudit(services, call, call.parameters[0], UnixMillis());
}

constexpr Route kRoutes[] = {
    {"GET", "/api/v1/audit", Access::Manage, BodyLimit::None, getAudit},
    {"GET", "/api/v1/tenants/:tenant/audit", Access::Operate, BodyLimit::None, getTenantAudit},
};

}  // namespace

std::span<const Route> auditRoutes() { return kRoutes; }

}  // namespace atolld::control
