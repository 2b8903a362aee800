#include <algorithm>
#include <nlohmann/json.hpp>

#include "control/api.h"
#include "control/uploads.h"

namespace atolld::control {
namespace {

Json versionJson(const deploy::VersionSummary& version) {
  return {{"id", version.id},
          {"number", version.number},
          {"created_at", isoTime(version.createdAt)},
          {"message", version.message},
          {"tag", version.tag},
          {"size_bytes", version.sizeBytes}};
}

Json deploymentJson(const deploy::Deployment& deployment) {
  Json versions = Json::array();
  for (const auto& share : deployment.shares) {
    versions.push_back({{"version_id", share.versionId}, {"percentage", share.percent}});
  }
  return {{"number", deployment.number},
          {"created_at", isoTime(deployment.createdAt)},
          {"message", deployment.message},
          {"versions", std::move(versions)}};
}

Result<Answer> postVersion(const Services& services, const Call& call) {
  ATOLL_TRY(deploy::Upload upload, readUpload(services, call));
  ATOLL_TRY(const deploy::VersionSummary version,
            services.registry.upload(call.identity.tenant, call.parameters[0], std::move(upload)));
  return answerJson({{"version", versionJson(version)}}, 201);
}

Result<Answer> postDeploy(const Services& services, const Call& call) {
  const std::string& script = call.parameters[0];
  ATOLL_TRY(deploy::Upload upload, readUpload(services, call));
  ATOLL_TRY(const deploy::Registry::Deployed deployed,
            services.registry.deploy(call.identity.tenant, script, std::move(upload)));
  return answerJson({{"script", script},
                     {"version", versionJson(deployed.version)},
                     {"deployment", deploymentJson(deployed.deployment)},
                     {"urls", urlsOf(services, call.identity.tenant, script)}});
}

Result<Answer> getScripts(const Services& services, const Call& call) {
  ATOLL_TRY(const std::vector<std::string> names, services.registry.scripts(call.identity.tenant));
  Json scripts = Json::array();
  for (const std::string& name : names) {
    ATOLL_TRY(const std::optional<deploy::Deployment> deployment,
              services.registry.deployment(call.identity.tenant, name));
    scripts.push_back({{"name", name},
                       {"deployment", deployment ? deploymentJson(*deployment) : Json()},
                       {"urls", urlsOf(services, call.identity.tenant, name)}});
  }
  return answerJson({{"scripts", std::move(scripts)}});
}

Error noScript(const std::string& name) {
  return {ErrorCode::NotFound, "there is no script \"" + name + "\""};
}

// So that a script that is not there says so, instead of answering with empty lists.
Result<> requireScript(const Services& services, const Call& call) {
  ATOLL_TRY(const std::vector<std::string> names, services.registry.scripts(call.identity.tenant));
  if (std::find(names.begin(), names.end(), call.parameters[0]) == names.end()) {
    return std::unexpected(noScript(call.parameters[0]));
  }
  return {};
}

Result<Answer> getScript(const Services& services, const Call& call) {
  const std::string& tenant = call.identity.tenant;
  const std::string& name = call.parameters[0];
  ATOLL_TRY_VOID(requireScript(services, call));
  ATOLL_TRY(const std::optional<deploy::Deployment> deployment,
            services.registry.deployment(tenant, name));
  ATOLL_TRY(const std::vector<deploy::VersionSummary> versions,
            services.registry.versions(tenant, name));
  ATOLL_TRY(const std::vector<deploy::Route> routes, services.registry.routes(tenant));
  Json patterns = Json::array();
  for (const deploy::Route& route : routes) {
    if (route.script == name) patterns.push_back(route.pattern);
  }
  return answerJson({{"name", name},
                     {"deployment", deployment ? deploymentJson(*deployment) : Json()},
                     {"version_count", versions.size()},
                     {"routes", std::move(patterns)},
                     {"urls", urlsOf(services, tenant, name)}});
}

Result<Answer> deleteScript(const Services& services, const Call& call) {
  ATOLL_TRY_VOID(services.registry.remove(call.identity.tenant, call.parameters[0]));
  return answerNothing();
}

Result<Answer> getVersions(const Services& services, const Call& call) {
  ATOLL_TRY_VOID(requireScript(services, call));
  ATOLL_TRY(const std::vector<deploy::VersionSummary> versions,
            services.registry.versions(call.identity.tenant, call.parameters[0]));
  Json list = Json::array();
  for (const deploy::VersionSummary& version : versions) list.push_back(versionJson(version));
  return answerJson({{"versions", std::move(list)}});
}

Result<Answer> getDeployments(const Services& services, const Call& call) {
  ATOLL_TRY_VOID(requireScript(services, call));
  ATOLL_TRY(const std::vector<deploy::Deployment> deployments,
            services.registry.deployments(call.identity.tenant, call.parameters[0]));
  Json list = Json::array();
  for (const deploy::Deployment& deployment : deployments) {
    list.push_back(deploymentJson(deployment));
  }
  return answerJson({{"deployments", std::move(list)}});
}

Result<Answer> postDeployment(const Services& services, const Call& call) {
  ATOLL_TRY(const Json body,
            parseJsonObject(call.body.view(), "the body", {"versions", "message"}));
  ATOLL_TRY(const std::optional<std::string> message, findString(body, "message", "the body"));
  const auto versions = body.find("versions");
  if (versions == body.end() || !versions->is_array() || versions->empty()) {
    return fail(ErrorCode::InvalidArgument,
                R"(the body: "versions" is a list, as [{"version_id":"…","percentage":100}])");
  }
  std::vector<deploy::Deployment::Share> shares;
  for (const Json& item : *versions) {
    ATOLL_TRY(std::string id, requireString(item, "version_id", "a member of \"versions\""));
    const auto percentage = item.find("percentage");
    if (percentage == item.end() || !percentage->is_number()) {
      return fail(ErrorCode::InvalidArgument,
                  "a member of \"versions\": \"percentage\" is a number from 0 to 100");
    }
    shares.push_back({.versionId = std::move(id), .percent = percentage->get<double>()});
  }
  ATOLL_TRY(const deploy::Deployment deployment,
            services.registry.activate(call.identity.tenant, call.parameters[0], std::move(shares),
                                       message.value_or("")));
  return answerJson({{"deployment", deploymentJson(deployment)}}, 201);
}

Result<Answer> postRollback(const Services& services, const Call& call) {
  std::optional<std::string> versionId;
  std::optional<std::string> message;
  if (!call.body.empty()) {
    ATOLL_TRY(const Json body,
              parseJsonObject(call.body.view(), "the body", {"version_id", "message"}));
    ATOLL_TRY(versionId, findString(body, "version_id", "the body"));
    ATOLL_TRY(message, findString(body, "message", "the body"));
  }
  ATOLL_TRY(const deploy::Deployment deployment,
            services.registry.rollback(call.identity.tenant, call.parameters[0],
                                       std::move(versionId), message.value_or("")));
  return answerJson({{"deployment", deploymentJson(deployment)}}, 201);
}

constexpr Route kRoutes[] = {
    {"GET", "/api/v1/scripts", Access::Read, BodyLimit::None, getScripts},
    {"GET", "/api/v1/scripts/:script", Access::Read, BodyLimit::None, getScript},
    {"DELETE", "/api/v1/scripts/:script", Access::Write, BodyLimit::None, deleteScript},
    {"POST", "/api/v1/scripts/:script/deploy", Access::Write, BodyLimit::Upload, postDeploy},
    {"GET", "/api/v1/scripts/:script/versions", Access::Read, BodyLimit::None, getVersions},
    {"POST", "/api/v1/scripts/:script/versions", Access::Write, BodyLimit::Upload, postVersion},
    {"GET", "/api/v1/scripts/:script/deployments", Access::Read, BodyLimit::None, getDeployments},
    {"POST", "/api/v1/scripts/:script/deployments", Access::Write, BodyLimit::Small,
     postDeployment},
    {"POST", "/api/v1/scripts/:script/rollback", Access::Write, BodyLimit::Small, postRollback},
};

}  // namespace

std::span<const Route> scriptRoutes() { return kRoutes; }

}  // namespace atolld::control
