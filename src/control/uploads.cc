#include "control/uploads.h"

#include <nlohmann/json.hpp>

#include "control/upload_form.h"
#include "deploy/compatibility.h"
#include "deploy/stack_mapper.h"

namespace atolld::control {

Result<deploy::Upload> readUpload(const Services& services, const Call& call) {
  const std::string& script = call.parameters[0];
  const std::string& tenant = call.identity.tenant;
  if (const Result<> name = deploy::checkScriptName(script); !name) {
    return fail(name.error(), "script name \"" + script + "\"");
  }
  ATOLL_TRY(deploy::Upload upload, parseUploadForm(call.contentType, call.body));
  if (!upload.compatibilityDate.empty()) {
    // Before the script is linked, which depends on them.
    ATOLL_TRY_VOID(deploy::checkCompatibility(upload.compatibilityDate, upload.compatibilityFlags));
  }
  if (!services.validate || upload.mainModule.empty()) return upload;
  deploy::Version candidate;
  candidate.tenant = tenant;
  candidate.script = script;
  candidate.mainModule = upload.mainModule;
  candidate.modules = upload.modules;  // Contents are shared, not copied.
  ATOLL_TRY(candidate.bindings, services.registry.bindingsOf(tenant, script, upload));
  candidate.compatibilityDate = upload.compatibilityDate;
  candidate.compatibilityFlags = upload.compatibilityFlags;
  deploy::takeSourceMaps(candidate);
  if (Result<> valid = services.validate(candidate); !valid) {
    Error error = std::move(valid).error();
    error.detail = deploy::mapUploadStack(upload.modules, error.detail);
    return std::unexpected(std::move(error));
  }
  return upload;
}

Json urlsOf(const Services& services, std::string_view tenant, std::string_view script) {
  const NodeInfo& node = services.node;
  std::string host = std::string(script) + ".";
  if (tenant != node.defaultTenant) host += std::string(tenant) + ".";
  host += node.defaultDomain;
  const auto url = [&](std::string_view scheme, std::uint16_t port, std::uint16_t standard) {
    return std::string(scheme) + "://" + host +
           (port == standard ? "" : ":" + std::to_string(port)) + "/";
  };
  Json urls = Json::array();
  if (node.httpPort != 0) urls.push_back(url("http", node.httpPort, 80));
  if (node.httpsPort != 0) urls.push_back(url("https", node.httpsPort, 443));
  return urls;
}

}  // namespace atolld::control
