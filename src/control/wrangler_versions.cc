// /client/v4: versions, deployments and secrets of a script.
#include <nlohmann/json.hpp>
#include <set>

#include "base/encoding.h"
#include "control/api.h"
#include "control/uploads.h"
#include "control/wrangler.h"
#include "control/wrangler_bindings.h"
#include "store/crypto.h"

namespace atolld::control {
namespace {

using wrangler::answer;
using wrangler::uuidOf;

constexpr std::string_view kWhat = "the body";
constexpr std::size_t kListCountMax = 100;

const std::string& tenantOf(const Call& call) { return call.identity.tenant; }
const std::string& scriptOf(const Call& call) { return call.parameters[0]; }

Json annotationsJson(const std::string& message, const std::string& tag) {
  Json json = Json::object();
  if (!message.empty()) json["workers/message"] = message;
  if (!tag.empty()) json["workers/tag"] = tag;
  return json;
}

Json versionJson(const Services& services, const Call& call,
                 const deploy::VersionSummary& version) {
  return {{"id", uuidOf(version.id)},
          {"number", version.number},
          {"metadata",
           {{"created_on", isoTime(version.createdAt)},
            {"modified_on", isoTime(version.createdAt)},
            {"source", "api"},
            {"author_email", wrangler::authorOf(services, call)},
            {"has_preview", false}}},
          {"annotations", annotationsJson(version.message, version.tag)}};
}

Json resourcesJson(const deploy::Version& version) {
  return {{"script", {{"etag", version.id}, {"last_deployed_from", "wrangler"}}},
          {"script_runtime",
           {{"compatibility_date", version.compatibilityDate},
            {"compatibility_flags", version.compatibilityFlags},
            {"usage_model", "standard"}}},
          {"bindings", wrangler::bindingsJson(version)}};
}

deploy::VersionSummary summaryOf(const deploy::Version& version) {
  return {.id = version.id,
          .number = version.number,
          .createdAt = version.createdAt,
          .message = version.message,
          .tag = version.tag};
}

Result<Answer> describeVersion(const Services& services, const Call& call,
                               std::string_view versionId) {
  ATOLL_TRY(const deploy::Version version,
            services.registry.describe(tenantOf(call), scriptOf(call), versionId));
  Json json = versionJson(services, call, summaryOf(version));
  json["resources"] = resourcesJson(version);
  json["startup_time_ms"] = 0;
  return answer(json);
}

Result<Answer> postVersion(const Services& services, const Call& call) {
  Result<deploy::Upload> upload = readUpload(services, call);
  Result<deploy::VersionSummary> version =
      upload ? services.registry.upload(tenantOf(call), scriptOf(call), *std::move(upload))
             : std::unexpected(upload.error());
  if (version) return describeVersion(services, call, version->id);
  const Error& error = version.error();
  if (error.code != ErrorCode::NotFound) return std::unexpected(error);
  return wrangler::answerError({ErrorCode::InvalidArgument, error.detail},
                               wrangler::Code::NothingToInherit);
}

Result<Answer> getVersions(const Services& services, const Call& call) {
  ATOLL_TRY_VOID(services.registry.describe(tenantOf(call), scriptOf(call), ""));
  ATOLL_TRY(const std::vector<deploy::VersionSummary> versions,
            services.registry.versions(tenantOf(call), scriptOf(call)));
  Json items = Json::array();
  for (const deploy::VersionSummary& version : versions) {
    if (items.size() == kListCountMax) break;
    items.push_back(versionJson(services, call, version));
  }
  return answer({{"items", std::move(items)}},
                {{"page", 1}, {"per_page", kListCountMax}, {"total_count", versions.size()}});
}

Result<Answer> getVersion(const Services& services, const Call& call) {
  const std::string digits = wrangler::digitsOf(call.parameters[1]);
  if (digits.empty()) return fail(ErrorCode::InvalidArgument, "the path names no version");
  return describeVersion(services, call, digits);
}

Json deploymentJson(const Services& services, const Call& call,
                    const deploy::Deployment& deployment) {
  Json versions = Json::array();
  for (const deploy::Deployment::Share& share : deployment.shares) {
    versions.push_back({{"version_id", uuidOf(share.versionId)}, {"percentage", share.percent}});
  }
  const std::string name = "deployment " + deployment.tenant + "/" + deployment.script + "/" +
                           std::to_string(deployment.number);
  return {{"id", uuidOf(toHex(store::sha256(name)))},
          {"source", "api"},
          {"strategy", "percentage"},
          {"author_email", wrangler::authorOf(services, call)},
          {"created_on", isoTime(deployment.createdAt)},
          {"versions", std::move(versions)},
          {"annotations", annotationsJson(deployment.message, "")}};
}

Result<Answer> getDeployments(const Services& services, const Call& call) {
  ATOLL_TRY_VOID(services.registry.describe(tenantOf(call), scriptOf(call), ""));
  ATOLL_TRY(const std::vector<deploy::Deployment> deployments,
            services.registry.deployments(tenantOf(call), scriptOf(call)));
  // As many as Cloudflare lists; wrangler asks for every version of each.
  constexpr std::size_t kDeploymentCountMax = 10;
  Json list = Json::array();
  for (const deploy::Deployment& deployment : deployments) {
    if (list.size() == kDeploymentCountMax) break;
    list.push_back(deploymentJson(services, call, deployment));
  }
  return answer({{"deployments", std::move(list)}});
}

Result<std::vector<deploy::Deployment::Share>> readShares(const Services& services,
                                                          const Call& call, const Json& body) {
  const auto versions = body.find("versions");
  if (versions == body.end() || !versions->is_array()) {
    return fail(ErrorCode::InvalidArgument, "the body: \"versions\" is no list");
  }
  std::vector<deploy::Deployment::Share> shares;
  for (const Json& item : *versions) {
    ATOLL_TRY(const std::string uuid, requireString(item, "version_id", "a version"));
    const std::string digits = wrangler::digitsOf(uuid);
    const auto percentage = item.find("percentage");
    if (digits.empty() || percentage == item.end() || !percentage->is_number()) {
      return fail(ErrorCode::InvalidArgument,
                  "a version has an id, and a percentage from 0 to 100");
    }
    ATOLL_TRY(const deploy::Version version,
              services.registry.describe(tenantOf(call), scriptOf(call), digits));
    shares.push_back({.versionId = version.id, .percent = percentage->get<double>()});
  }
  return shares;
}

Result<Answer> postDeployment(const Services& services, const Call& call) {
  ATOLL_TRY(const Json body, parseJson(call.body.view(), kWhat));
  if (!body.is_object()) return fail(ErrorCode::InvalidArgument, "the body is no object");
  std::optional<std::string> message;
  if (const auto annotations = body.find("annotations"); annotations != body.end()) {
    ATOLL_TRY(message, findString(*annotations, "workers/message", "annotations"));
  }
  ATOLL_TRY(std::vector<deploy::Deployment::Share> shares, readShares(services, call, body));
  ATOLL_TRY(const deploy::Deployment deployment,
            services.registry.activate(tenantOf(call), scriptOf(call), std::move(shares),
                                       message.value_or("")));
  return answer(deploymentJson(services, call, deployment));
}

// ---- secrets ------------------------------------------------------------------------------------

Result<Answer> getSecrets(const Services& services, const Call& call) {
  ATOLL_TRY(const deploy::Version version,
            services.registry.describe(tenantOf(call), scriptOf(call), ""));
  Json list = Json::array();
  for (const deploy::Binding& binding : version.bindings) {
    if (!std::holds_alternative<deploy::SecretBinding>(binding)) continue;
    list.push_back({{"name", deploy::bindingName(binding)}, {"type", "secret_text"}});
  }
  return answer(list);
}

// A parser's message repeats what it read last: here that might be a secret.
Result<Json> parseSecretBody(const Call& call) {
  Result<Json> body = parseJson(call.body.view(), kWhat);
  if (body && body->is_object()) return body;
  return fail(ErrorCode::InvalidArgument, "the body is no JSON object");
}

// {"type":"secret_text","text":"…"}, or null: the secret goes.
Result<std::optional<std::string>> readSecret(const Json& json, const std::string& name) {
  if (json.is_null()) return std::optional<std::string>();
  const std::string what = "secret \"" + name + "\"";
  ATOLL_TRY(const auto type, findString(json, "type", what));
  if (type && type != "secret_text") {
    return fail(ErrorCode::InvalidArgument, what +
                                                ": this node keeps secrets of the type "
                                                "secret_text only");
  }
  ATOLL_TRY(std::string text, requireString(json, "text", what));
  return std::optional(std::move(text));
}

Result<deploy::Registry::SecretChanges> readChanges(const Json& body, std::string_view member) {
  const auto named = body.find(member);
  if (!body.is_object() || named == body.end() || !named->is_object()) {
    return fail(ErrorCode::InvalidArgument,
                "the body: \"" + std::string(member) + "\" is no object");
  }
  deploy::Registry::SecretChanges changes;
  for (const auto& [name, value] : named->items()) {
    ATOLL_TRY(changes[name], readSecret(value, name));
  }
  return changes;
}

std::string messageOf(const deploy::Registry::SecretChanges& changes) {
  if (changes.size() != 1) return std::to_string(changes.size()) + " secrets changed";
  const auto& [name, value] = *changes.begin();
  return "Secret " + name + (value ? " set" : " removed");
}

Answer answerSecretError(const Error& error) {
  if (error.code == ErrorCode::AlreadyExists) {
    return wrangler::answerError(error, wrangler::Code::NameInUse);
  }
  const bool isSecret = error.detail.starts_with("there is no secret");
  if (isSecret) return wrangler::answerError(error, wrangler::Code::NoBinding);
  return wrangler::answerError(error);
}

Result<Answer> putSecret(const Services& services, const Call& call) {
  ATOLL_TRY(const Json body, parseSecretBody(call));
  ATOLL_TRY(const std::string name, requireString(body, "name", kWhat));
  ATOLL_TRY(std::optional<std::string> text, readSecret(body, name));
  const deploy::Registry::SecretChanges changes{{name, std::move(text)}};
  const auto changed = services.registry.changeSecrets(tenantOf(call), scriptOf(call), changes,
                                                       /*isDeployed=*/true, messageOf(changes));
  if (!changed) return answerSecretError(changed.error());
  return answer({{"name", name}, {"type", "secret_text"}});
}

Result<Answer> deleteSecret(const Services& services, const Call& call) {
  const deploy::Registry::SecretChanges changes{{call.parameters[1], std::nullopt}};
  const auto changed = services.registry.changeSecrets(tenantOf(call), scriptOf(call), changes,
                                                       /*isDeployed=*/true, messageOf(changes));
  if (!changed) return answerSecretError(changed.error());
  return answer(nullptr);
}

Result<Answer> patchSecrets(const Services& services, const Call& call) {
  ATOLL_TRY(const Json body, parseSecretBody(call));
  ATOLL_TRY(const auto changes, readChanges(body, "secrets"));
  const auto changed = services.registry.changeSecrets(tenantOf(call), scriptOf(call), changes,
                                                       /*isDeployed=*/true, messageOf(changes));
  if (!changed) return answerSecretError(changed.error());
  return getSecrets(services, call);
}

// wrangler versions secret put: a version more, not deployed.
Result<Answer> patchNewestVersion(const Services& services, const Call& call) {
  ATOLL_TRY(const Json body, parseSecretBody(call));
  ATOLL_TRY(const auto changes, readChanges(body, "env"));
  std::optional<std::string> message;
  if (const auto annotations = body.find("annotations"); annotations != body.end()) {
    ATOLL_TRY(message, findString(*annotations, "workers/message", "annotations"));
  }
  const auto changed =
      services.registry.changeSecrets(tenantOf(call), scriptOf(call), changes,
                                      /*isDeployed=*/false, message.value_or(messageOf(changes)));
  if (!changed) return answerSecretError(changed.error());
  return describeVersion(services, call, changed->id);
}

constexpr Route kRoutes[] = {
    {"POST", "/client/v4/accounts/:account/workers/scripts/:script/versions", Access::Write,
     BodyLimit::Upload, postVersion},
    {"GET", "/client/v4/accounts/:account/workers/scripts/:script/versions", Access::Read,
     BodyLimit::None, getVersions},
    {"GET", "/client/v4/accounts/:account/workers/scripts/:script/versions/:version", Access::Read,
     BodyLimit::None, getVersion},
    {"GET", "/client/v4/accounts/:account/workers/scripts/:script/deployments", Access::Read,
     BodyLimit::None, getDeployments},
    {"POST", "/client/v4/accounts/:account/workers/scripts/:script/deployments", Access::Write,
     BodyLimit::Small, postDeployment},
    {"GET", "/client/v4/accounts/:account/workers/scripts/:script/secrets", Access::Read,
     BodyLimit::None, getSecrets},
    {"PUT", "/client/v4/accounts/:account/workers/scripts/:script/secrets", Access::Write,
     BodyLimit::Small, putSecret},
    {"DELETE", "/client/v4/accounts/:account/workers/scripts/:script/secrets/:name", Access::Write,
     BodyLimit::None, deleteSecret},
    {"PATCH", "/client/v4/accounts/:account/workers/scripts/:script/secrets-bulk", Access::Write,
     BodyLimit::Small, patchSecrets},
    {"PATCH", "/client/v4/accounts/:account/workers/workers/:script/versions/latest", Access::Write,
     BodyLimit::Small, patchNewestVersion},
};

}  // namespace

std::span<const Route> wranglerVersionRoutes() { return kRoutes; }

}  // namespace atolld::control
