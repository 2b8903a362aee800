#include "replication/control_calls.h"

#include <array>

#include "replication/fleet_client.h"
#include "replication/identity.h"
#include "replication/kv_request.h"
#include "replication/tail_relay.h"
#include "store/audit_log.h"
#include "store/codec.h"
#include "store/join_token_store.h"
#include "store/node_store.h"
#include "store/tenant_store.h"
#include "telemetry/log.h"

namespace atolld::replication {
namespace {

/// A value of the greatest size and what stands around it.
constexpr std::size_t kKvBodyBytesMax = store::KvLimits::kValueBytesMax + 64 * 1024;

Result<std::string> certificateFor(const std::string& name, std::string_view requestPem,
                                   const tls::Certificate& authority, const Clock& clock) {
  return tls::Certificate::answerRequest(authority, requestPem, name,
                                         std::array{std::string(kNodeName)}, kNodeValidity, clock);
}

}  // namespace

std::map<std::string, FleetCall, std::less<>> controlCalls(
    store::Database& database, store::KvStore& kv, const tls::Certificate& authority,
    const store::ClusterKey& clusterKey, FleetView& view, telemetry::TailHub& tails,
    const Clock& clock) {
  std::map<std::string, FleetCall, std::less<>> calls;
  calls["/fleet/v1/join"] = {
      .public_ = true, .run = [&](const Caller&, std::string_view body) -> Result<std::string> {
        ATOLL_TRY(const JoinRequest request, JoinRequest::decode(body));
        ATOLL_TRY(const std::string keyHash, tls::requestKeyHash(request.requestPem));
        // Before the commit: what cannot be certified must not use the token up.
        ATOLL_TRY(std::string chain,
                  certificateFor(request.name, request.requestPem, authority, clock));
        const store::Author author{.tenant = std::string(store::kDefaultTenant),
                                   .tokenId = {},
                                   .role = "join",
                                   .address = {},
                                   .ray = {}};
        const store::AuthorScope scope(author);
        ATOLL_TRY_VOID(store::JoinTokenStore(database, clock)
                           .join(request.secret, {.name = request.name,
                                                  .region = request.region,
                                                  .labels = request.labels,
                                                  .keyHash = keyHash,
                                                  .joinedAt = clock.now()}));
        telemetry::log(telemetry::Level::Info, "node_joined",
                       {{"node", std::string_view(request.name)},
                        {"region", std::string_view(request.region)}});
        return JoinAnswer{.chainPem = std::move(chain),
                          .authorityPem = authority.chainPem(),
                          .clusterKey = clusterKey.toText()}
            .encode();
      }};
  calls["/fleet/v1/renew"] = {
      .run = [&](const Caller& caller, std::string_view body) -> Result<std::string> {
        ATOLL_TRY(const std::string keyHash, tls::requestKeyHash(body));
        if (keyHash != caller.keyHash) {
          return fail(ErrorCode::Forbidden, "a certificate is renewed for the same key");
        }
        ATOLL_TRY(std::string chain, certificateFor(caller.name, body, authority, clock));
        return JoinAnswer{
            .chainPem = std::move(chain), .authorityPem = authority.chainPem(), .clusterKey = {}}
            .encode();
      }};
  calls["/fleet/v1/status"] = {
      .run = [&](const Caller& caller, std::string_view body) -> Result<std::string> {
        ATOLL_TRY(NodeReport report, NodeReport::decode(body));
        view.note(caller.name, std::move(report), clock.now());
        return encodeTailOrders(tails.orders());
      }};
  calls["/fleet/v1/tail"] = {
      .bodyBytesMax = TailBatch::kBytesMax,
      .run = [&](const Caller& caller, std::string_view body) -> Result<std::string> {
        ATOLL_TRY(const TailBatch batch, TailBatch::decode(body, caller.name));
        tails.deliver(batch.order, batch.items, batch.lostCount);
        return "";
      }};
  calls["/fleet/v1/kv"] = {
      .bodyBytesMax = kKvBodyBytesMax,
      .run = [&](const Caller&, std::string_view body) -> Result<std::string> {
        ATOLL_TRY(const KvRequest request, KvRequest::decode(body));
        ATOLL_TRY(const store::Position position,
                  kv.write(request.namespaceId, request.puts, request.removals, request.id));
        return store::Encoder().u64(position.index).take();
      }};
  return calls;
}

}  // namespace atolld::replication
