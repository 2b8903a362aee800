#include <nlohmann/json.hpp>

#include "control/api.h"
#include "control/kv_calls.h"

namespace atolld::control {
namespace {

Json namespaceJson(const deploy::KvNamespace& kv) { return {{"id", kv.id}, {"title", kv.title}}; }

Result<Answer> getNamespaces(const Services& services, const Call& call) {
  ATOLL_TRY(const std::vector<deploy::KvNamespace> all,
            services.registry.kvNamespaces(call.identity.tenant));
  Json list = Json::array();
  for (const deploy::KvNamespace& kv : all) list.push_back(namespaceJson(kv));
  return answerJson({{"namespaces", std::move(list)}});
}

Result<Answer> postNamespace(const Services& services, const Call& call) {
  ATOLL_TRY(const Json body, parseJsonObject(call.body.view(), "the body", {"title"}));
  ATOLL_TRY(const std::string title, requireString(body, "title", "the body"));
  ATOLL_TRY(const deploy::KvNamespace kv,
            services.registry.createKvNamespace(call.identity.tenant, title));
  return answerJson(namespaceJson(kv), 201);
}

Result<Answer> deleteNamespace(const Services& services, const Call& call) {
  ATOLL_TRY_VOID(services.registry.removeKvNamespace(call.identity.tenant, call.parameters[0]));
  return answerNothing();
}

Result<Answer> getKeys(const Services& services, const Call& call) {
  ATOLL_TRY_VOID(requireNamespace(services, call));
  ATOLL_TRY(const store::KvListing listing, listKvKeys(services, call));
  ATOLL_TRY(Json keys, kvKeysJson(listing));
  Json answer = {{"keys", std::move(keys)}, {"list_complete", !listing.cursor.has_value()}};
  if (listing.cursor) answer["cursor"] = *listing.cursor;
  return answerJson(answer);
}

Result<Answer> putValue(const Services& services, const Call& call) {
  ATOLL_TRY(const store::Position position, putKvValue(services, call));
  return answerJson({{"log_index", position.index}});
}

Result<Answer> deleteValue(const Services& services, const Call& call) {
  ATOLL_TRY_VOID(requireNamespace(services, call));
  ATOLL_TRY_VOID(store::KvStore::checkKey(call.parameters[1], "DELETE"));
  ATOLL_TRY(const store::Position position,
            services.kv.remove(call.parameters[0], {call.parameters[1]}));
  return answerJson({{"log_index", position.index}});
}

constexpr std::string_view kNamespaces = "/api/v1/kv/namespaces";
constexpr std::string_view kNamespace = "/api/v1/kv/namespaces/:namespace";
constexpr std::string_view kKeys = "/api/v1/kv/namespaces/:namespace/keys";
constexpr std::string_view kValue = "/api/v1/kv/namespaces/:namespace/values/:key";

constexpr Route kRoutes[] = {
    {"GET", kNamespaces, Access::Read, BodyLimit::None, getNamespaces},
    {"POST", kNamespaces, Access::Write, BodyLimit::Small, postNamespace},
    {"DELETE", kNamespace, Access::Write, BodyLimit::None, deleteNamespace},
    {"GET", kKeys, Access::Read, BodyLimit::None, getKeys},
    {"GET", kValue, Access::ReadValues, BodyLimit::None, getKvValue},
    {"PUT", kValue, Access::Write, BodyLimit::KvValue, putValue},
    {"DELETE", kValue, Access::Write, BodyLimit::None, deleteValue},
};

}  // namespace

std::span<const Route> kvRoutes() { return kRoutes; }

}  // namespace atolld::control
