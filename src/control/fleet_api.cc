// The fleet: its nodes, how far each of them is, and tokens to join with.

#include <nlohmann/json.hpp>

#include "base/encoding.h"
#include "control/api.h"
#include "control/fleet_services.h"
#include "replication/identity.h"

namespace atolld::control {
namespace {

constexpr std::chrono::seconds kLifetimeDefault{3600};
/// A node that has not reported for so long is called silent.
constexpr std::chrono::seconds kSilent{5};

Result<FleetServices*> fleetOf(const Services& services) {
  if (services.fleet == nullptr) {
    return fail(ErrorCode::NotFound,
                "this node has no fleet: start it as atolld control, or set listen.fleet");
  }
  return services.fleet;
}

/// What is known of a node's state: nothing beyond its row, until it has reported.
void addReport(Json& json, const FleetServices& fleet, const store::FleetNode& node) {
  const auto seen = fleet.view.find(node.name);
  if (!seen) {
    json["state"] = "unseen";
    return;
  }
  const replication::NodeReport& report = seen->report;
  const auto since = fleet.clock.now() - seen->at;
  json["state"] = since > kSilent ? "silent" : report.state;
  json["seen_ms_ago"] = since.count();
  json["version"] = report.version;
  json["upstream"] = report.upstream;
  json["history"] = toHex(report.history);
  json["index"] = report.index;
  json["hash"] = toHex(report.hash);
  json["lag_ms"] = report.lagMillis;
  json["age_ms"] = report.ageMillis < 0 ? Json() : Json(report.ageMillis);
  json["bootstraps"] = report.bootstraps;
  json["cpu_percent"] = report.cpuPermille / 10.0;
  json["requests_per_second"] = report.requestsPerSecond;
  json["memory_bytes"] = report.memoryBytes;
  json["isolates"] = report.isolates;
  json["health"] = report.health;
}

Result<Answer> getNodes(const Services& services, const Call&) {
  ATOLL_TRY(FleetServices* const fleet, fleetOf(services));
  ATOLL_TRY(const std::vector<store::FleetNode> nodes, fleet->nodes.list());
  Json list = Json::array();
  for (const store::FleetNode& node : nodes) {
    Json labels = Json::object();
    for (const auto& [key, value] : node.labels) labels[key] = value;
    Json json = {{"name", node.name},
                 {"region", node.region},
                 {"labels", std::move(labels)},
                 {"joined_at", isoTime(node.joinedAt)},
                 {"drained", node.isDrained}};
    addReport(json, *fleet, node);
    list.push_back(std::move(json));
  }
  const store::Position position = fleet->database.position();
  return answerJson({{"nodes", std::move(list)},
                     {"log",
                      {{"history", toHex(position.history)},
                       {"index", position.index},
                       {"hash", toHex(position.hash)}}}});
}

Result<Answer> deleteNode(const Services& services, const Call& call) {
  ATOLL_TRY(FleetServices* const fleet, fleetOf(services));
  ATOLL_TRY_VOID(fleet->nodes.remove(call.parameters[0]));
  fleet->view.forget(call.parameters[0]);
  return answerNothing();
}

Result<Answer> setDrained(const Services& services, const Call& call, bool isDrained) {
  ATOLL_TRY(FleetServices* const fleet, fleetOf(services));
  ATOLL_TRY_VOID(fleet->nodes.setDrained(call.parameters[0], isDrained));
  return answerJson({{"name", call.parameters[0]}, {"drained", isDrained}});
}

Result<Answer> postDrain(const Services& services, const Call& call) {
  return setDrained(services, call, true);
}

Result<Answer> postUndrain(const Services& services, const Call& call) {
  return setDrained(services, call, false);
}

Result<Answer> postBackup(const Services& services, const Call&) {
  ATOLL_TRY(FleetServices* const fleet, fleetOf(services));
  ATOLL_TRY(const std::string directory, fleet->backup());
  return answerJson({{"directory", directory}}, 201);
}

Result<Answer> postJoinToken(const Services& services, const Call& call) {
  ATOLL_TRY(FleetServices* const fleet, fleetOf(services));
  std::chrono::seconds lifetime = kLifetimeDefault;
  if (!call.body.empty()) {
    ATOLL_TRY(const Json body, parseJsonObject(call.body.view(), "the body", {"lifetime_seconds"}));
    if (const auto given = body.find("lifetime_seconds"); given != body.end()) {
      if (!given->is_number_integer()) {
        return fail(ErrorCode::InvalidArgument, "the body: \"lifetime_seconds\" is a whole number");
      }
      lifetime = std::chrono::seconds(given->get<std::int64_t>());
    }
  }
  ATOLL_TRY(std::string secret, fleet->joinTokens.create(lifetime));
  const replication::JoinToken token{.secret = std::move(secret),
                                     .authorityFingerprint = fleet->authorityFingerprint};
  return answerJson({{"token", token.toText()}, {"lifetime_seconds", lifetime.count()}}, 201);
}

/// No secret: where to join is half of nothing without a token.
Result<Answer> getFleet(const Services& services, const Call&) {
  ATOLL_TRY(FleetServices* const fleet, fleetOf(services));
  return answerJson({{"port", fleet->port}});
}

constexpr Route kRoutes[] = {
    {"GET", "/api/v1/fleet", Access::Public, BodyLimit::None, getFleet},
    {"GET", "/api/v1/nodes", Access::Operate, BodyLimit::None, getNodes},
    {"DELETE", "/api/v1/nodes/:node", Access::Operate, BodyLimit::None, deleteNode},
    {"POST", "/api/v1/nodes/:node/drain", Access::Operate, BodyLimit::Small, postDrain},
    {"POST", "/api/v1/nodes/:node/undrain", Access::Operate, BodyLimit::Small, postUndrain},
    {"POST", "/api/v1/backups", Access::Operate, BodyLimit::Small, postBackup},
    {"POST", "/api/v1/nodes/tokens", Access::Operate, BodyLimit::Small, postJoinToken},
};

}  // namespace

std::span<const Route> fleetRoutes() { return kRoutes; }

}  // namespace atolld::control
