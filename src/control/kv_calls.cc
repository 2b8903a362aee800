#include "control/kv_calls.h"

#include <algorithm>
#include <chrono>
#include <limits>
#include <nlohmann/json.hpp>

#include "control/multipart.h"

namespace atolld::control {
namespace {

constexpr std::int64_t kSecondsMax = std::numeric_limits<std::int32_t>::max();

// The value and metadata of a PUT: the body as it is, or a form with both.
Result<store::KvPut> readPut(const Call& call) {
  store::KvPut put;
  put.key = call.parameters[1];
  if (const auto metadata = call.query.find("metadata")) put.metadata = std::string(*metadata);
  if (!isMultipart(call.contentType)) {
    put.value = call.body;
    return put;
  }
  ATOLL_TRY(const std::vector<FormPart> parts, parseMultipart(call.contentType, call.body));
  const FormPart* value = nullptr;
  for (const FormPart& part : parts) {
    if (part.name == "value" && !value) {
      value = &part;
    } else if (part.name == "metadata" && !put.metadata) {
      put.metadata = part.content.toString();
    } else {
      return fail(ErrorCode::InvalidArgument,
                  "part \"" + part.name + "\": a form has one value and at most one metadata");
    }
  }
  if (!value) return fail(ErrorCode::InvalidArgument, "the form has no part \"value\"");
  put.value = value->content;
  return put;
}

}  // namespace

Result<> requireNamespace(const Services& services, const Call& call) {
  ATOLL_TRY(const std::vector<deploy::KvNamespace> all,
            services.registry.kvNamespaces(call.identity.tenant));
  const std::string& id = call.parameters[0];
  const bool mine = std::any_of(all.begin(), all.end(),
                                [&](const deploy::KvNamespace& kv) { return kv.id == id; });
  if (!mine) return fail(ErrorCode::NotFound, "there is no KV namespace \"" + id + "\"");
  return {};
}

Result<store::KvListing> listKvKeys(const Services& services, const Call& call) {
  constexpr std::int64_t kLimit = store::KvLimits::kListKeysMax;
  ATOLL_TRY(const auto limit, call.query.findNumber("limit", 1, kLimit));
  return services.kv.list(call.parameters[0], call.query.find("prefix").value_or(""),
                          static_cast<std::size_t>(limit.value_or(kLimit)),
                          call.query.find("cursor"));
}

Result<Json> kvKeysJson(const store::KvListing& listing) {
  Json keys = Json::array();
  for (const store::KvListing::Key& key : listing.keys) {
    Json item = {{"name", key.name}};
    if (key.expirationSeconds) item["expiration"] = *key.expirationSeconds;
    if (key.metadata) {
      ATOLL_TRY(item["metadata"], parseJson(*key.metadata, "stored metadata"));
    }
    keys.push_back(std::move(item));
  }
  return keys;
}

Result<Answer> getKvValue(const Services& services, const Call& call) {
  ATOLL_TRY_VOID(requireNamespace(services, call));
  const std::string& key = call.parameters[1];
  ATOLL_TRY_VOID(store::KvStore::checkKey(key, "GET"));
  ATOLL_TRY(std::optional<store::KvEntry> entry, services.kv.get(call.parameters[0], key));
  if (!entry) return fail(ErrorCode::NotFound, "there is no key \"" + key + "\"");
  // As an attachment of no type: a value is data, whatever a browser would like to make of it.
  Answer answer{.status = 200,
                .body = std::move(entry->value),
                .contentType = "application/octet-stream",
                .headers = {}};
  if (entry->expirationSeconds) {
    answer.headers.emplace_back("expiration", std::to_string(*entry->expirationSeconds));
  }
  if (entry->metadata) {
    ATOLL_TRY(const Json metadata, parseJson(*entry->metadata, "stored metadata"));
    answer.headers.emplace_back("cf-kv-metadata", writeJson(metadata, /*ascii=*/true));
  }
  return answer;
}

Result<> settleKvPut(const Services& services, std::optional<std::int64_t> ttlSeconds,
                     store::KvPut& put) {
  if (put.metadata) {
    ATOLL_TRY(const Json metadata, parseJson(*put.metadata, "metadata"));
    put.metadata = writeJson(metadata);
  }
  if (put.value.size() > services.kvValueBytesMax) {
    return fail(ErrorCode::TooLarge, "the value has " + std::to_string(put.value.size()) +
                                         " bytes: the limit is " +
                                         std::to_string(services.kvValueBytesMax));
  }
  if (ttlSeconds && !put.expirationSeconds) {
    const auto now = std::chrono::floor<std::chrono::seconds>(services.clock.now());
    put.expirationSeconds = now.time_since_epoch().count() + *ttlSeconds;
  }
  return services.kv.checkPut(put);
}

Result<store::Position> putKvValue(const Services& services, const Call& call) {
  ATOLL_TRY_VOID(requireNamespace(services, call));
  ATOLL_TRY_VOID(store::KvStore::checkKey(call.parameters[1], "PUT"));
  ATOLL_TRY(store::KvPut put, readPut(call));
  ATOLL_TRY(put.expirationSeconds, call.query.findNumber("expiration", 1, 253'402'300'799));
  ATOLL_TRY(const auto ttl,
            call.query.findNumber("expiration_ttl", store::KvLimits::kTtlSecondsMin, kSecondsMax));
  ATOLL_TRY_VOID(settleKvPut(services, ttl, put));
  std::vector<store::KvPut> puts;
  puts.push_back(std::move(put));
  return services.kv.put(call.parameters[0], std::move(puts));
}

}  // namespace atolld::control
