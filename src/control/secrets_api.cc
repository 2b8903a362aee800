#include <nlohmann/json.hpp>

#include "control/api.h"

namespace atolld::control {
namespace {

Result<Answer> getSecrets(const Services& services, const Call& call) {
  ATOLL_TRY(const deploy::Version version,
            services.registry.describe(call.identity.tenant, call.parameters[0], ""));
  Json list = Json::array();
  for (const deploy::Binding& binding : version.bindings) {
    if (!std::holds_alternative<deploy::SecretBinding>(binding)) continue;
    list.push_back({{"name", deploy::bindingName(binding)}});
  }
  return answerJson({{"secrets", std::move(list)}});
}

// No message repeats what a body said here: it might be a secret.
Result<deploy::Registry::SecretChanges> readChanges(const Json& body) {
  const auto secrets = body.find("secrets");
  if (secrets == body.end() || !secrets->is_object() || secrets->empty()) {
    return fail(ErrorCode::InvalidArgument,
                R"(the body: "secrets" is an object, as {"NAME":"value","GONE":null})");
  }
  deploy::Registry::SecretChanges changes;
  for (const auto& [name, value] : secrets->items()) {
    if (!value.is_string() && !value.is_null()) {
      return fail(ErrorCode::InvalidArgument,
                  "the body: the value of a secret is a string, or null to remove it");
    }
    changes[name] = value.is_null() ? std::nullopt : std::optional(value.get<std::string>());
  }
  return changes;
}

Result<Answer> patchSecrets(const Services& services, const Call& call) {
  const auto body = parseJsonObject(call.body.view(), "the body", {"secrets", "deploy", "message"});
  if (!body) {
    return fail(ErrorCode::InvalidArgument,
                R"(the body is no JSON object with "secrets", "deploy" and "message" only)");
  }
  ATOLL_TRY(const deploy::Registry::SecretChanges changes, readChanges(*body));
  ATOLL_TRY(auto message, findString(*body, "message", "the body"));
  const auto deploy = body->find("deploy");
  if (deploy != body->end() && !deploy->is_boolean()) {
    return fail(ErrorCode::InvalidArgument, "the body: \"deploy\" is true or false");
  }
  const bool isDeployed = deploy == body->end() || deploy->get<bool>();
  ATOLL_TRY(const deploy::VersionSummary version,
            services.registry.changeSecrets(call.identity.tenant, call.parameters[0], changes,
                                            isDeployed, std::move(message).value_or("")));
  return answerJson(
      {{"version", {{"id", version.id}, {"number", version.number}}}, {"deployed", isDeployed}});
}

constexpr Route kRoutes[] = {
    {"GET", "/api/v1/scripts/:script/secrets", Access::Read, BodyLimit::None, getSecrets},
    {"PATCH", "/api/v1/scripts/:script/secrets", Access::Write, BodyLimit::Small, patchSecrets},
};

}  // namespace

std::span<const Route> secretRoutes() { return kRoutes; }

}  // namespace atolld::control
