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

Result<Answer> getTokens(const Services& services, const Call& call) {
  ATOLL_TRY(const std::vector<store::Token> tokens, services.tokens.list(call.identity.tenant));
  Json list = Json::array();
  for (const store::Token& token : tokens) list.push_back(tokenJson(token));
  return answerJson({{"tokens", std::move(list)}});
}

Result<Answer> postToken(const Services& services, const Call& call) {
  ATOLL_TRY(const Json body,
            parseJsonObject(call.body.view(), "the body", {"name", "role", "script"}));
  ATOLL_TRY(const std::string name, requireString(body, "name", "the body"));
  ATOLL_TRY(const std::string roleText, requireString(body, "role", "the body"));
  ATOLL_TRY(std::optional<std::string> script, findString(body, "script", "the body"));
  const std::optional<store::Role> role = store::parseRole(roleText);
  // An operator rules the fleet: no tenant makes one.
  if (!role || *role == store::Role::Operator) {
    return fail(ErrorCode::InvalidArgument,
                "the body: \"role\" is one of \"owner\", \"deployer\" and \"viewer\"");
  }
  if (script) {
    if (const Result<> good = deploy::checkScriptName(*script); !good) {
      return fail(good.error(), "the body: \"script\"");
    }
  }
  ATOLL_TRY(const store::NewToken created,
            services.tokens.create(call.identity.tenant, *role, name, std::move(script)));
  Json answer = tokenJson(created.token);
  answer["token"] = created.secret;
  return answerJson(answer, 201);
}

Result<Answer> deleteToken(const Services& services, const Call& call) {
  ATOLL_TRY_VOID(services.tokens.revoke(call.identity.tenant, call.parameters[0]));
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
};

constexpr Route kNodeRoutes[] = {
    {"GET", "/api/v1/healthz", Access::Public, BodyLimit::None, getHealth},
    {"GET", "/api/v1/whoami", Access::Any, BodyLimit::None, getWhoami},
};

}  // namespace

std::span<const Route> tokenRoutes() { return kTokenRoutes; }
std::span<const Route> nodeRoutes() { return kNodeRoutes; }

}  // namespace atolld::control
