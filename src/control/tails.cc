#include "control/tails.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/encoding.h"
#include "store/crypto.h"

namespace atolld::control {
namespace {

constexpr std::size_t kIdBytes = 24;

std::unexpected<Error> noFilter() {
  return fail(ErrorCode::InvalidArgument,
              "the body: \"filters\" is a list of sampling_rate, outcome, method, header, "
              "client_ip, query and scriptVersion");
}

// "GET", or ["GET", "POST"].
Result<std::vector<std::string>> readTexts(const Json& value) {
  std::vector<std::string> texts;
  if (value.is_string()) return std::vector<std::string>{value.get<std::string>()};
  if (!value.is_array()) return noFilter();
  for (const Json& text : value) {
    if (!text.is_string()) return noFilter();
    texts.push_back(text.get<std::string>());
  }
  return texts;
}

Result<> readHeader(const Json& value, telemetry::TailFilter& filter) {
  ATOLL_TRY(const std::string name, requireString(value, "key", "the header filter"));
  filter.headerName = toLowerAscii(name);
  ATOLL_TRY(auto text, findString(value, "query", "the header filter"));
  filter.headerText = std::move(text).value_or("");
  return {};
}

Result<> readMember(const std::string& name, const Json& value, telemetry::TailFilter& filter) {
  if (name == "sampling_rate") {
    const double rate = value.is_number() ? value.get<double>() : -1;
    if (!(rate >= 0 && rate <= 1)) {
      return fail(ErrorCode::InvalidArgument, "the sampling rate is a number from 0 to 1");
    }
    filter.samplingRate = rate;
    return {};
  }
  if (name == "header") return readHeader(value, filter);
  if (name == "static_files") {
    if (!value.is_boolean()) return noFilter();
    filter.takesFiles = value.get<bool>();
    return {};
  }
  if (name == "query" || name == "scriptVersion") {
    if (!value.is_string()) return noFilter();
    (name == "query" ? filter.text : filter.version) = value.get<std::string>();
    if (name == "scriptVersion") std::erase(filter.version, '-');
    return {};
  }
  std::vector<std::string>* const list = name == "outcome"     ? &filter.outcomes
                                         : name == "method"    ? &filter.methods
                                         : name == "client_ip" ? &filter.clientAddresses
                                                               : nullptr;
  if (list == nullptr) return noFilter();
  ATOLL_TRY(*list, readTexts(value));
  return {};
}

// What a header that proves who somebody is has in its name.
bool isSecret(std::string_view name) {
  for (const std::string_view part : {"auth", "cookie", "key", "secret", "token", "jwt"}) {
    if (name.contains(part)) return true;
  }
  return false;
}

std::int64_t millis(UnixMillis time) { return time.time_since_epoch().count(); }

// "TypeError: x is not a function", in its two parts.
Json exceptionJson(const telemetry::TailItem::Exception& thrown) {
  const std::size_t colon = thrown.message.find(": ");
  const bool hasName =
      colon != std::string::npos && thrown.message.find_first_of(" \n") == colon + 1;
  Json json = {{"name", hasName ? thrown.message.substr(0, colon) : "Error"},
               {"message", hasName ? thrown.message.substr(colon + 2) : thrown.message},
               {"timestamp", millis(thrown.time)}};
  if (!thrown.stack.empty()) json["stack"] = thrown.stack;
  return json;
}

}  // namespace

void TailTickets::makeRoom(std::string_view tenant) {
  std::size_t ownCount = 0;
  auto first = tickets_.end(), firstOwn = tickets_.end();
  const auto keepEarlier = [this](auto& kept, auto item) {
    if (kept == tickets_.end() || item->second.expiresAt < kept->second.expiresAt) kept = item;
  };
  for (auto item = tickets_.begin(); item != tickets_.end(); ++item) {
    keepEarlier(first, item);
    if (item->second.tenant != tenant) continue;
    ++ownCount;
    keepEarlier(firstOwn, item);
  }
  if (ownCount >= kTenantCountMax) {
    tickets_.erase(firstOwn);
  } else if (tickets_.size() >= kCountMax) {
    tickets_.erase(first);
  }
}

std::string TailTickets::add(TailTicket ticket, UnixMillis now) {
  const std::scoped_lock lock(mutex_);
  std::erase_if(tickets_, [now](const auto& item) { return item.second.expiresAt <= now; });
  makeRoom(ticket.tenant);
  const std::string id = toHex(store::randomBytes(kIdBytes));
  tickets_.emplace(id, std::move(ticket));
  return id;
}

std::optional<TailTicket> TailTickets::find(std::string_view id, UnixMillis now) const {
  const std::scoped_lock lock(mutex_);
  const auto found = tickets_.find(id);
  if (found == tickets_.end() || found->second.expiresAt <= now) return std::nullopt;
  return found->second;
}

void TailTickets::remove(std::string_view tenant, std::string_view id) {
  const std::scoped_lock lock(mutex_);
  const auto found = tickets_.find(id);
  if (found != tickets_.end() && found->second.tenant == tenant) tickets_.erase(found);
}

Result<telemetry::TailFilter> readTailFilter(const Json& body) {
  telemetry::TailFilter filter;
  if (!body.is_object()) return noFilter();
  const auto filters = body.find("filters");
  if (filters == body.end() || filters->is_null()) return filter;
  if (!filters->is_array()) return noFilter();
  for (const Json& one : *filters) {
    if (!one.is_object()) return noFilter();
    for (const auto& [name, value] : one.items()) ATOLL_TRY_VOID(readMember(name, value, filter));
  }
  return filter;
}

Json tailJson(const telemetry::TailItem& item) {
  Json headers = Json::object();
  for (const auto& [name, value] : item.headers) {
    headers[name] = isSecret(name) ? std::string("REDACTED") : value;
  }
  Json logs = Json::array();
  for (const telemetry::TailItem::Log& log : item.logs) {
    logs.push_back({{"message", Json::array({log.text})},
                    {"level", log.level},
                    {"timestamp", millis(log.time)}});
  }
  Json exceptions = Json::array();
  for (const auto& thrown : item.exceptions) exceptions.push_back(exceptionJson(thrown));
  Json event = {{"request",
                 {{"url", item.url},
                  {"method", item.method},
                  {"headers", std::move(headers)},
                  {"cf", Json::object()}}}};
  if (item.status != 0) event["response"] = {{"status", item.status}};
  Json json = {
      {"wallTime", item.wall.count()},
      {"cpuTime", std::chrono::duration_cast<std::chrono::milliseconds>(item.cpu).count()},
      {"cpuTimeMicros", std::chrono::duration_cast<std::chrono::microseconds>(item.cpu).count()},
      {"truncated", item.isTruncated},
      {"executionModel", "stateless"},
      {"outcome", item.outcome},
      {"scriptName", item.script},
      {"scriptVersion", {{"id", item.version}}},
      {"diagnosticsChannelEvents", Json::array()},
      {"exceptions", std::move(exceptions)},
      {"logs", std::move(logs)},
      {"eventTimestamp", millis(item.time)},
      {"event", std::move(event)}};
  if (!item.node.empty()) json["node"] = item.node;
  return json;
}

Json tailLossJson(std::uint64_t lostCount) {
  const std::string count = std::to_string(lostCount);
  return {{"outcome", "unknown"},
          {"scriptName", nullptr},
          {"exceptions", Json::array()},
          {"logs", Json::array()},
          {"eventTimestamp", nullptr},
          {"event",
           {{"type", "overload"},
            {"message", count + " invocations were lost here: this watcher is too slow for them. "
                                "A sampling rate or a filter takes fewer."},
            {"lost", lostCount}}}};
}

}  // namespace atolld::control
