// /client/v4: scripts, where they answer, and what of them is not versioned.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "control/api.h"
#include "control/uploads.h"
#include "control/wrangler.h"
#include "control/wrangler_bindings.h"

namespace atolld::control {
namespace {

using wrangler::answer;

constexpr std::string_view kWhat = "the body";

const std::string& tenantOf(const Call& call) { return call.identity.tenant; }
const std::string& scriptOf(const Call& call) { return call.parameters[0]; }

// What a PUT, or a body of wrangler's, inherits and does not find has a code of its own.
Answer answerUploadError(const Error& error) {
  if (error.code != ErrorCode::NotFound) return wrangler::answerError(error);
  return wrangler::answerError({ErrorCode::InvalidArgument, error.detail},
                               wrangler::Code::NothingToInherit);
}

Result<Answer> putScript(const Services& services, const Call& call) {
  Result<deploy::Upload> upload = readUpload(services, call);
  if (!upload) return answerUploadError(upload.error());
  const auto deployed =
      services.registry.deploy(tenantOf(call), scriptOf(call), *std::move(upload));
  if (!deployed) return answerUploadError(deployed.error());
  const std::string& id = deployed->version.id;
  return answer({{"id", scriptOf(call)},
                 {"tag", wrangler::scriptTag(tenantOf(call), scriptOf(call))},
                 {"etag", id},
                 {"deployment_id", id.substr(0, 32)},
                 {"pipeline_hash", id},
                 {"mutable_pipeline_id", nullptr},
                 {"startup_time_ms", 0},
                 {"created_on", isoTime(deployed->version.createdAt)},
                 {"modified_on", isoTime(deployed->deployment.createdAt)}});
}

Result<Answer> deleteScript(const Services& services, const Call& call) {
  ATOLL_TRY_VOID(services.registry.remove(tenantOf(call), scriptOf(call)));
  return answer(nullptr);
}

Result<Answer> getScripts(const Services& services, const Call& call) {
  ATOLL_TRY(const std::vector<std::string> names, services.registry.scripts(tenantOf(call)));
  Json list = Json::array();
  for (const std::string& name : names) {
    ATOLL_TRY(const deploy::Version version, services.registry.describe(tenantOf(call), name, ""));
    list.push_back({{"id", name},
                    {"tag", wrangler::scriptTag(tenantOf(call), name)},
                    {"etag", version.id},
                    {"created_on", isoTime(version.createdAt)},
                    {"modified_on", isoTime(version.createdAt)}});
  }
  return answer(list);
}

Result<Answer> getService(const Services& services, const Call& call) {
  ATOLL_TRY(const deploy::Version version,
            services.registry.describe(tenantOf(call), scriptOf(call), ""));
  const std::string tag = wrangler::scriptTag(tenantOf(call), scriptOf(call));
  return answer({{"id", scriptOf(call)},
                 {"default_environment",
                  {{"environment", "production"},
                   {"script",
                    {{"id", scriptOf(call)},
                     {"tag", tag},
                     {"tags", Json::array()},
                     {"etag", version.id},
                     {"created_on", isoTime(version.createdAt)},
                     {"modified_on", isoTime(version.createdAt)},
                     {"last_deployed_from", "wrangler"}}}}}});
}

Result<Answer> getSettings(const Services& services, const Call& call) {
  ATOLL_TRY(const deploy::Version version,
            services.registry.describe(tenantOf(call), scriptOf(call), ""));
  return answer({{"bindings", wrangler::bindingsJson(version)},
                 {"compatibility_date", version.compatibilityDate},
                 {"compatibility_flags", version.compatibilityFlags},
                 {"usage_model", "standard"},
                 {"tags", Json::array()},
                 {"tail_consumers", Json::array()},
                 {"logpush", false}});
}

// Answers what is in force, whatever was asked for: none of it is kept.
Result<Answer> patchScriptSettings(const Services& services, const Call& call) {
  ATOLL_TRY_VOID(services.registry.describe(tenantOf(call), scriptOf(call), ""));
  return answer({{"logpush", false},
                 {"tags", Json::array()},
                 {"tail_consumers", Json::array()},
                 {"observability", {{"enabled", false}}}});
}

// wrangler prints the hostname of `url` as what was deployed.
Result<Answer> getWorker(const Services& services, const Call& call) {
  ATOLL_TRY(const deploy::Version version,
            services.registry.describe(tenantOf(call), scriptOf(call), ""));
  const Json urls = urlsOf(services, tenantOf(call), scriptOf(call));
  Json subdomain = {{"enabled", true}, {"previews_enabled", false}};
  if (!urls.empty()) subdomain["url"] = urls.back();
  return answer({{"id", wrangler::scriptTag(tenantOf(call), scriptOf(call))},
                 {"name", scriptOf(call)},
                 {"tags", Json::array()},
                 {"created_on", isoTime(version.createdAt)},
                 {"subdomain", std::move(subdomain)}});
}

// A script's default name answers as long as the script is there; previews there are none.
Result<Answer> subdomain(const Services& services, const Call& call) {
  ATOLL_TRY_VOID(services.registry.describe(tenantOf(call), scriptOf(call), ""));
  return answer({{"enabled", true}, {"previews_enabled", false}});
}

Result<std::vector<std::string>> readPatterns(const Json& body, std::string_view member) {
  if (!body.is_array()) return fail(ErrorCode::InvalidArgument, "the body is no list");
  std::vector<std::string> patterns;
  for (const Json& item : body) {
    ATOLL_TRY(std::string pattern, requireString(item, member, "a member of the list"));
    patterns.push_back(std::move(pattern));
  }
  return patterns;
}

Result<Answer> putRoutes(const Services& services, const Call& call) {
  ATOLL_TRY(const Json body, parseJson(call.body.view(), kWhat));
  ATOLL_TRY(const std::vector<std::string> patterns, readPatterns(body, "pattern"));
  ATOLL_TRY_VOID(services.registry.setRoutes(tenantOf(call), scriptOf(call), patterns,
                                             deploy::Registry::RouteKind::Plain));
  Json list = Json::array();
  for (const std::string& pattern : patterns) list.push_back({{"pattern", pattern}});
  return answer(list);
}

Result<Answer> postDomainChanges(const Services&, const Call&) {
  return answer({{"added", Json::array()},
                 {"removed", Json::array()},
                 {"updated", Json::array()},
                 {"conflicting", Json::array()}});
}

// A custom domain is a route of the whole hostname. wrangler sends all of a script's at once,
// beside its routes and in any order with them: either request leaves alone what the other sets.
Result<Answer> putDomains(const Services& services, const Call& call) {
  ATOLL_TRY(const Json body, parseJson(call.body.view(), kWhat));
  const auto origins = body.find("origins");
  if (!body.is_object() || origins == body.end()) {
    return fail(ErrorCode::InvalidArgument, "the body: \"origins\" is missing");
  }
  ATOLL_TRY(const std::vector<std::string> hosts, readPatterns(*origins, "hostname"));
  ATOLL_TRY_VOID(services.registry.setRoutes(tenantOf(call), scriptOf(call), hosts,
                                             deploy::Registry::RouteKind::CustomDomain));
  return answer(nullptr);
}

Result<Answer> getSchedules(const Services&, const Call&) {
  return answer({{"schedules", Json::array()}});
}

Result<Answer> putSchedules(const Services&, const Call& call) {
  ATOLL_TRY(const Json body, parseJson(call.body.view(), kWhat));
  if (body.is_array() && body.empty()) return answer({{"schedules", Json::array()}});
  return wrangler::answerError(
      {ErrorCode::InvalidArgument, "this node does not offer cron triggers (yet)"},
      wrangler::Code::NotOffered);
}

// Whose env a removed script would be missing from.
Result<Answer> getReferences(const Services& services, const Call& call) {
  ATOLL_TRY(const std::vector<std::string> names, services.registry.scripts(tenantOf(call)));
  Json incoming = Json::array();
  for (const std::string& name : names) {
    if (name == scriptOf(call)) continue;
    ATOLL_TRY(const deploy::Version version, services.registry.describe(tenantOf(call), name, ""));
    const bool isUser = std::ranges::any_of(version.bindings, [&](const deploy::Binding& binding) {
      const auto* const service = std::get_if<deploy::ServiceBinding>(&binding);
      return service && service->service == scriptOf(call);
    });
    if (isUser) incoming.push_back({{"service", name}, {"environment", "production"}});
  }
  return answer({{"services", {{"incoming", std::move(incoming)}, {"outgoing", Json::array()}}},
                 {"durable_objects", Json::array()},
                 {"dispatch_outbounds", Json::array()}});
}

Result<Answer> getNone(const Services&, const Call&) { return answer(Json::array()); }

constexpr Route kRoutes[] = {
    {"GET", "/client/v4/accounts/:account/workers/scripts", Access::Read, BodyLimit::None,
     getScripts},
    {"PUT", "/client/v4/accounts/:account/workers/scripts/:script", Access::Write,
     BodyLimit::Upload, putScript},
    {"DELETE", "/client/v4/accounts/:account/workers/scripts/:script", Access::Write,
     BodyLimit::None, deleteScript},
    {"GET", "/client/v4/accounts/:account/workers/scripts/:script/settings", Access::Read,
     BodyLimit::None, getSettings},
    {"PATCH", "/client/v4/accounts/:account/workers/scripts/:script/script-settings", Access::Write,
     BodyLimit::Small, patchScriptSettings},
    {"GET", "/client/v4/accounts/:account/workers/scripts/:script/script-settings", Access::Read,
     BodyLimit::None, patchScriptSettings},
    {"GET", "/client/v4/accounts/:account/workers/scripts/:script/subdomain", Access::Read,
     BodyLimit::None, subdomain},
    {"POST", "/client/v4/accounts/:account/workers/scripts/:script/subdomain", Access::Write,
     BodyLimit::Small, subdomain},
    {"PUT", "/client/v4/accounts/:account/workers/scripts/:script/routes", Access::Write,
     BodyLimit::Small, putRoutes},
    {"POST", "/client/v4/accounts/:account/workers/scripts/:script/domains/changeset",
     Access::Write, BodyLimit::Small, postDomainChanges},
    {"PUT", "/client/v4/accounts/:account/workers/scripts/:script/domains/records", Access::Write,
     BodyLimit::Small, putDomains},
    {"GET", "/client/v4/accounts/:account/workers/scripts/:script/schedules", Access::Read,
     BodyLimit::None, getSchedules},
    {"PUT", "/client/v4/accounts/:account/workers/scripts/:script/schedules", Access::Write,
     BodyLimit::Small, putSchedules},
    {"GET", "/client/v4/accounts/:account/workers/scripts/:script/references", Access::Read,
     BodyLimit::None, getReferences},
    {"GET", "/client/v4/accounts/:account/workers/services/:script", Access::Read, BodyLimit::None,
     getService},
    {"DELETE", "/client/v4/accounts/:account/workers/services/:script", Access::Write,
     BodyLimit::None, deleteScript},
    {"GET", "/client/v4/accounts/:account/workers/workers/:script", Access::Read, BodyLimit::None,
     getWorker},
    {"GET", "/client/v4/accounts/:account/workers/tails/by-consumer/:script", Access::Read,
     BodyLimit::None, getNone},
    {"GET", "/client/v4/accounts/:account/workers/durable_objects/namespaces", Access::Read,
     BodyLimit::None, getNone},
    {"GET", "/client/v4/accounts/:account/containers/applications", Access::Read, BodyLimit::None,
     getNone},
    {"GET", "/client/v4/accounts/:account/containers/dash/applications", Access::Read,
     BodyLimit::None, getNone},
};

}  // namespace

std::span<const Route> wranglerScriptRoutes() { return kRoutes; }

}  // namespace atolld::control
