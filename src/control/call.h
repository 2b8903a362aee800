#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/result.h"
#include "control/json.h"
#include "deploy/registry.h"
#include "http/query.h"
#include "store/audit_log.h"
#include "store/kv_store.h"
#include "store/token_store.h"
#include "telemetry/tail.h"

namespace atolld::control {

/// What the API tells about the node it runs on: enough for a CLI to print where a script answers.
struct NodeInfo {
  std::string version;
  std::string defaultDomain = "localhost";
  std::string defaultTenant = "default";
  std::uint16_t httpPort = 0;  ///< 0: not served here.
  std::uint16_t httpsPort = 0;
};

struct FleetServices;  // control/fleet_services.h
class TailTickets;     // control/tails.h

/// What endpoints work with. All borrowed for the handler's life; each may be used by any number of
/// storage threads at once.
struct Services {
  deploy::Registry& registry;
  store::KvStore& kv;
  store::TokenStore& tokens;
  store::TenantStore& tenants;
  store::AuditLog& audit;
  telemetry::TailHub& tails;
  const Clock& clock;
  /// Compiles an upload and runs its top level once, before it is committed.
  /// @error Script, with module, line and mend.
  std::function<Result<>(const deploy::Version&)> validate;
  std::uint64_t kvValueBytesMax = store::KvLimits::kValueBytesMax;
  NodeInfo node;
  TailTickets* tickets = nullptr;  ///< The handler's own.
  FleetServices* fleet = nullptr;  ///< Null: this node has no fleet.
};

/// Who calls. Empty for public endpoints.
struct Identity {
  std::string tenant;
  std::string tokenId;  ///< Names the token in logs; no secret.
  store::Role role = store::Role::Viewer;
  std::string assetSession;  ///< Of Access::AssetSession: the upload's token. A secret.
};

/// One authorised request with its whole body.
struct Call {
  Identity identity;
  std::vector<std::string> parameters;  ///< The ":name" segments, decoded.
  http::Query query;
  std::string authority;  ///< Under which the node was asked: "127.0.0.1:9090".
  bool isSecure = false;
  std::string contentType;
  Bytes body;
};

/// What is answered.
struct Answer {
  int status = 200;
  Bytes body;
  std::string contentType;  ///< Empty: no body.
  std::vector<std::pair<std::string, std::string>> headers;
};

Answer answerJson(const Json& value, int status = 200);
Answer answerNothing();  ///< 204
/// `{"error":{"code":…,"message":…}}` with the status that the code stands for. What went wrong
/// inside (Io, Corrupt, Internal) is not shown: it is in the node's log under the request's id.
Answer answerError(const Error& error);
int statusOf(ErrorCode code);
/// 429 with Retry-After, in whole seconds.
Answer answerRateLimited(std::chrono::nanoseconds wait);

}  // namespace atolld::control
