#include <nlohmann/json.hpp>

#include "control/api.h"

namespace atolld::control {
namespace {

Json tokenJson(const store::Token& token) {
  Json json = {{"id", token.id},
               {"name", token.name},
               {"role", store::roleName(token.role)},
               {"created_at", isoTime(token.createdAt)}};
  if (token.script) json["script"] = *token.script;
  return json;
}

Result<Answer> listTokens(const Services& services, std::string_view tenant) {
  ATOLL_TRY(const std::vector<store::Token> tokens, services.tokens.list(tenant));
  Json list = Json::array();
  for (const store::Token& token : tokens) list.push_back(tokenJson(token));
  return answerJson({{"tokens", std::move(list)}});
}

Result<Answer> getTokens(const Services& services, const Call& call) {
  return listTokens(services, call.identity.tenant);
}

/// An operator rules the fleet: no tenant makes one, only who is one.
Result<Answer> makeToken(const Services& services, const Call& call, std::string_view tenant,
                         bool mayMakeOperator) {
  ATOLL_TRY(const Json body,
            parseJsonObject(call.body.view(), "the body", {"name", "role", "script"}));
  ATOLL_TRY(const std::string name, requireString(body, "name", "the body"));
  ATOLL_TRY(const std::string roleText, requireString(body, "role", "the body"));
  ATOLL_TRY(std::optional<std::string> script, findString(body, "script", "the body"));
  const std::optional<store::Role> role = store::parseRole(roleText);
  if (!role || (*role == store::Role::Operator && !mayMakeOperator)) {
    return fail(ErrorCode::InvalidArgument,
                "the body: \"role\" is one of \"owner\", \"deployer\" and \"viewer\"");
  }
  if (script) {
    if (const Result<> good = deploy::checkScriptName(*script); !good) {
      return fail(good.error(), "the body: \"script\"");
    }
  }
  ATOLL_TRY(const store::NewToken created,
            services.tokens.create(tenant, *role, name, std::move(script)));
  Json answer = tokenJson(created.token);
  answer["token"] = created.secret;
  return answerJson(answer, 201);
}

Result<Answer> postToken(const Services& services, const Call& call) {
  return makeToken(services, call, call.identity.tenant, false);
}

Result<Answer> deleteToken(const Services& services, const Call& call) {
  ATOLL_TRY_VOID(services.tokens.revoke(call.identity.tenant, call.parameters[0]));
  return answerNothing();
}

Result<Answer> getTenantTokens(const Services& services, const Call& call) {
  return listTokens(services, call.parameters[0]);
}

Result<Answer> postTenantToken(const Services& services, const Call& call) {
  return makeToken(services, call, call.parameters[0], call.parameters[0] == store::kDefaultTenant);
}

Result<Answer> deleteTenantToken(const Services& services, const Call& call) {
  ATOLL_TRY_VOID(services.tokens.revoke(call.parameters[0], call.parameters[1]));
  return answerNothing();
}

Result<Answer> getHealth(const Services&, const Call&) { return answerJson({{"ok", true}}); }

Result<Answer> getWhoami(const Services& services, const Call& call) {
  const NodeInfo& node = services.node;
  return answerJson({{"tenant", call.identity.tenant},
                     {"token_id", call.identity.tokenId},
                     {"role", store::roleName(call.identity.role)},
                     {"node",
                      {{"version", node.version},
                       {"default_domain", node.defaultDomain},
                       {"http_port", node.httpPort},
                       {"https_port", node.httpsPort}}}});
}

constexpr Route kTokenRoutes[] = {
    {"GET", "/api/v1/tokens", Access::Manage, BodyLimit::None, getTokens},
    {"POST", "/api/v1/tokens", Access::Manage, BodyLimit::Small, postToken},
    {"DELETE", "/api/v1/tokens/:token", Access::Manage, BodyLimit::None, deleteToken},
    {"GET", "/api/v1/tenants/:tenant/tokens", Access::Operate, BodyLimit::None, getTenantTokens},
    {"POST", "/api/v1/tenants/:tenant/tokens", Access::Operate, BodyLimit::Small, postTenantToken},
    {"DELETE", "/api/v1/tenants/:tenant/tokens/:token", Access::Operate, BodyLimit::None,
     deleteTenantToken},
};

constexpr Route kNodeRoutes[] = {
    {"GET", "/api/v1/healthz", Access::Public, BodyLimit::None, getHealth},
    {"GET", "/api/v1/whoami", Access::Any, BodyLimit::None, getWhoami},
};

}  // namespace

std::span<const Route> tokenRoutes() { return kTokenRoutes; }
std::span<const Route> nodeRoutes() { return kNodeRoutes; }

}  // namespace atolld::control
