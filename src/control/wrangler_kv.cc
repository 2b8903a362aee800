// /client/v4: KV namespaces, keys, and many keys at once.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/encoding.h"
#include "control/api.h"
#include "control/kv_calls.h"
#include "control/wrangler.h"

namespace atolld::control {
namespace {

using wrangler::answer;

constexpr std::string_view kWhat = "the body";
constexpr std::size_t kBulkCountMax = 10'000;
constexpr std::size_t kBulkGetCountMax = 100;
/// Of the values of one bulk put: one log entry carries them.
constexpr std::size_t kBulkBytesMax = 100ull * 1024 * 1024;

Json namespaceJson(const deploy::KvNamespace& kv) {
  return {{"id", kv.id}, {"title", kv.title}, {"supports_url_encoding", true}};
}

Result<Answer> getNamespaces(const Services& services, const Call& call) {
  ATOLL_TRY(std::vector<deploy::KvNamespace> all,
            services.registry.kvNamespaces(call.identity.tenant));
  std::ranges::sort(all, {}, &deploy::KvNamespace::title);
  ATOLL_TRY(const auto perPage, call.query.findNumber("per_page", 1, 1000));
  ATOLL_TRY(const auto page, call.query.findNumber("page", 1, 1'000'000));
  const auto size = static_cast<std::size_t>(perPage.value_or(20));
  const std::size_t begin = size * static_cast<std::size_t>(page.value_or(1) - 1);
  Json list = Json::array();
  for (std::size_t i = begin; i < std::min(all.size(), begin + size); ++i) {
    list.push_back(namespaceJson(all[i]));
  }
  return answer(list, {{"page", page.value_or(1)},
                       {"per_page", size},
                       {"count", list.size()},
                       {"total_count", all.size()}});
}

Result<Answer> postNamespace(const Services& services, const Call& call) {
  ATOLL_TRY(const Json body, parseJson(call.body.view(), kWhat));
  ATOLL_TRY(const std::string title, requireString(body, "title", kWhat));
  ATOLL_TRY(const deploy::KvNamespace kv,
            services.registry.createKvNamespace(call.identity.tenant, title));
  return answer(namespaceJson(kv));
}

Result<Answer> getNamespace(const Services& services, const Call& call) {
  ATOLL_TRY(const std::vector<deploy::KvNamespace> all,
            services.registry.kvNamespaces(call.identity.tenant));
  const auto found = std::ranges::find(all, call.parameters[0], &deploy::KvNamespace::id);
  if (found == all.end()) return fail(ErrorCode::NotFound, "there is no such KV namespace");
  return answer(namespaceJson(*found));
}

Result<Answer> putNamespace(const Services& services, const Call& call) {
  ATOLL_TRY(const Json body, parseJson(call.body.view(), kWhat));
  ATOLL_TRY(const std::string title, requireString(body, "title", kWhat));
  ATOLL_TRY(const deploy::KvNamespace kv,
            services.registry.renameKvNamespace(call.identity.tenant, call.parameters[0], title));
  return answer(namespaceJson(kv));
}

Result<Answer> deleteNamespace(const Services& services, const Call& call) {
  ATOLL_TRY_VOID(services.registry.removeKvNamespace(call.identity.tenant, call.parameters[0]));
  return answer(nullptr);
}

Result<Answer> getKeys(const Services& services, const Call& call) {
  ATOLL_TRY_VOID(requireNamespace(services, call));
  ATOLL_TRY(const store::KvListing listing, listKvKeys(services, call));
  ATOLL_TRY(const Json keys, kvKeysJson(listing));
  return answer(keys, {{"count", keys.size()}, {"cursor", listing.cursor.value_or("")}});
}

Result<Answer> getValue(const Services& services, const Call& call) {
  Result<Answer> value = getKvValue(services, call);
  if (value || value.error().code != ErrorCode::NotFound) return value;
  return wrangler::answerError(value.error(), wrangler::Code::NoKey);
}

Result<Answer> putValue(const Services& services, const Call& call) {
  ATOLL_TRY_VOID(putKvValue(services, call));
  return answer(nullptr);
}

Result<Answer> deleteValue(const Services& services, const Call& call) {
  ATOLL_TRY_VOID(requireNamespace(services, call));
  ATOLL_TRY_VOID(store::KvStore::checkKey(call.parameters[1], "DELETE"));
  ATOLL_TRY_VOID(services.kv.remove(call.parameters[0], {call.parameters[1]}));
  return answer(nullptr);
}

// ---- many at once -------------------------------------------------------------------------------

Result<std::optional<std::int64_t>> findSeconds(const Json& item, std::string_view name,
                                                std::int64_t min, const std::string& what) {
  const auto member = item.find(name);
  if (member == item.end() || member->is_null()) return std::optional<std::int64_t>();
  const double value = member->is_number() ? member->get<double>() : 0;
  if (!(value >= static_cast<double>(min) && value <= 253'402'300'799.0)) {
    return fail(ErrorCode::InvalidArgument, what + ": \"" + std::string(name) +
                                                "\" is a number of seconds from " +
                                                std::to_string(min) + " on");
  }
  return std::optional(static_cast<std::int64_t>(value));
}

Result<store::KvPut> readPair(const Services& services, const Json& item) {
  ATOLL_TRY(std::string key, requireString(item, "key", "a pair"));
  const std::string what = "key \"" + key + "\"";
  ATOLL_TRY_VOID(store::KvStore::checkKey(key, "PUT"));
  ATOLL_TRY(std::string value, requireString(item, "value", what));
  if (const auto base64 = item.find("base64");
      base64 != item.end() && base64->is_boolean() && base64->get<bool>()) {
    std::optional<std::string> bytes = parseBase64(value);
    if (!bytes) return fail(ErrorCode::InvalidArgument, what + ": the value is no base64");
    value = *std::move(bytes);
  }
  store::KvPut put{.key = std::move(key), .value = Bytes(std::move(value))};
  if (const auto metadata = item.find("metadata"); metadata != item.end() && !metadata->is_null()) {
    put.metadata = writeJson(*metadata);
  }
  ATOLL_TRY(put.expirationSeconds, findSeconds(item, "expiration", 1, what));
  ATOLL_TRY(const auto ttl,
            findSeconds(item, "expiration_ttl", store::KvLimits::kTtlSecondsMin, what));
  ATOLL_TRY_VOID(settleKvPut(services, ttl, put));
  return put;
}

Result<Json> readList(const Call& call, std::size_t countMax) {
  ATOLL_TRY(Json body, parseJson(call.body.view(), kWhat));
  if (!body.is_array()) return fail(ErrorCode::InvalidArgument, "the body is no list");
  if (body.size() <= countMax) return body;
  return fail(ErrorCode::TooLarge, "the list has " + std::to_string(body.size()) +
                                       " members: at most " + std::to_string(countMax) +
                                       " are allowed");
}

Answer answerBulk(std::size_t count) {
  return answer({{"successful_key_count", count}, {"unsuccessful_keys", Json::array()}});
}

Result<Answer> putBulk(const Services& services, const Call& call) {
  ATOLL_TRY_VOID(requireNamespace(services, call));
  ATOLL_TRY(const Json body, readList(call, kBulkCountMax));
  std::vector<store::KvPut> puts;
  std::size_t bytes = 0;
  for (const Json& item : body) {
    ATOLL_TRY(store::KvPut put, readPair(services, item));
    bytes += put.value.size();
    if (bytes > kBulkBytesMax) {
      return fail(ErrorCode::TooLarge,
                  "the values have more than " + std::to_string(kBulkBytesMax) + " bytes together");
    }
    puts.push_back(std::move(put));
  }
  const std::size_t count = puts.size();
  if (count > 0) ATOLL_TRY_VOID(services.kv.put(call.parameters[0], std::move(puts)));
  return answerBulk(count);
}

Result<std::vector<std::string>> readKeys(const Json& list) {
  std::vector<std::string> keys;
  for (const Json& item : list) {
    const Json* const name = item.is_object() && item.contains("name") ? &item["name"] : &item;
    if (!name->is_string()) return fail(ErrorCode::InvalidArgument, "a key is no string");
    keys.push_back(name->get<std::string>());
    ATOLL_TRY_VOID(store::KvStore::checkKey(keys.back(), "DELETE"));
  }
  return keys;
}

Result<Answer> deleteBulk(const Services& services, const Call& call) {
  ATOLL_TRY_VOID(requireNamespace(services, call));
  ATOLL_TRY(const Json body, readList(call, kBulkCountMax));
  ATOLL_TRY(std::vector<std::string> keys, readKeys(body));
  const std::size_t count = keys.size();
  if (count > 0) ATOLL_TRY_VOID(services.kv.remove(call.parameters[0], std::move(keys)));
  return answerBulk(count);
}

Result<Answer> getBulk(const Services& services, const Call& call) {
  ATOLL_TRY_VOID(requireNamespace(services, call));
  ATOLL_TRY(const Json body, parseJson(call.body.view(), kWhat));
  const auto list = body.find("keys");
  if (!body.is_object() || list == body.end() || !list->is_array()) {
    return fail(ErrorCode::InvalidArgument, "the body: \"keys\" is no list");
  }
  ATOLL_TRY(const std::vector<std::string> keys, readKeys(*list));
  if (keys.size() > kBulkGetCountMax) {
    return fail(ErrorCode::TooLarge,
                "at most " + std::to_string(kBulkGetCountMax) + " keys can be read at once");
  }
  Json values = Json::object();
  std::size_t bytes = 0;
  for (const std::string& key : keys) {
    ATOLL_TRY(const auto entry, services.kv.get(call.parameters[0], key));
    values[key] = entry ? Json(entry->value.toString()) : Json();
    bytes += entry ? entry->value.size() : 0;
    if (bytes > services.kvValueBytesMax) {
      return fail(ErrorCode::TooLarge, "the values are too large to be read at once");
    }
  }
  return answer({{"values", std::move(values)}});
}

constexpr std::string_view kNamespaces = "/client/v4/accounts/:account/storage/kv/namespaces";
constexpr std::string_view kNamespace =
    "/client/v4/accounts/:account/storage/kv/namespaces/:namespace";
constexpr std::string_view kKeys =
    "/client/v4/accounts/:account/storage/kv/namespaces/:namespace/keys";
constexpr std::string_view kValue =
    "/client/v4/accounts/:account/storage/kv/namespaces/:namespace/values/:key";
constexpr std::string_view kBulk =
    "/client/v4/accounts/:account/storage/kv/namespaces/:namespace/bulk";
constexpr std::string_view kBulkGet =
    "/client/v4/accounts/:account/storage/kv/namespaces/:namespace/bulk/get";
constexpr std::string_view kBulkDelete =
    "/client/v4/accounts/:account/storage/kv/namespaces/:namespace/bulk/delete";

constexpr Route kRoutes[] = {
    {"GET", kNamespaces, Access::Read, BodyLimit::None, getNamespaces},
    {"POST", kNamespaces, Access::Write, BodyLimit::Small, postNamespace},
    {"GET", kNamespace, Access::Read, BodyLimit::None, getNamespace},
    {"PUT", kNamespace, Access::Write, BodyLimit::Small, putNamespace},
    {"DELETE", kNamespace, Access::Write, BodyLimit::None, deleteNamespace},
    {"GET", kKeys, Access::Read, BodyLimit::None, getKeys},
    {"GET", kValue, Access::ReadValues, BodyLimit::None, getValue},
    {"PUT", kValue, Access::Write, BodyLimit::KvValue, putValue},
    {"DELETE", kValue, Access::Write, BodyLimit::None, deleteValue},
    {"PUT", kBulk, Access::Write, BodyLimit::Upload, putBulk},
    {"DELETE", kBulk, Access::Write, BodyLimit::Upload, deleteBulk},
    {"POST", kBulkGet, Access::ReadValues, BodyLimit::Small, getBulk},
    {"POST", kBulkDelete, Access::Write, BodyLimit::Upload, deleteBulk},
};

}  // namespace

std::span<const Route> wranglerKvRoutes() { return kRoutes; }

}  // namespace atolld::control
