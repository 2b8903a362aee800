#include "gateway/refusal.h"

#include "base/check.h"

namespace atolld::gateway {
namespace {

constexpr RefusalInfo kRefusals[] = {
    {Refusal::NoRoute, "no_route", 404, "No script answers on this hostname and path.", false},
    {Refusal::BadRequest, "bad_request", 400, "The request is malformed.", false},
    {Refusal::TooLarge, "too_large", 413, "The request is larger than this node accepts.", false},
    {Refusal::RateLimited, "rate_limited", 429, "Too many requests.", true},
    {Refusal::ScriptException, "script_exception", 500, "The script threw an exception.", false},
    {Refusal::ScriptNoResponse, "script_no_response", 500, "The script returned no Response.",
     false},
    {Refusal::ScriptHung, "script_hung", 500,
     "The script will never respond: nothing it waits for can still happen.", false},
    {Refusal::ScriptLoadFailed, "script_load_failed", 500, "The script could not be started.",
     false},
    {Refusal::CpuLimit, "cpu_limit", 503, "The script used more CPU time than it may.", false},
    {Refusal::MemoryLimit, "memory_limit", 503, "The script used more memory than it may.", false},
    {Refusal::WallLimit, "wall_limit", 503, "The script took longer than it may.", false},
    {Refusal::SubrequestLimit, "subrequest_limit", 503,
     "The script made more outbound requests than it may.", false},
    {Refusal::OverCapacity, "over_capacity", 503, "This node has no capacity left.", true},
    {Refusal::Quarantined, "quarantined", 503, "The script is kept from running on this node.",
     false},
    {Refusal::Draining, "draining", 503, "This node is shutting down.", true},
    {Refusal::Internal, "internal", 500, "This node made a mistake.", false},
};

}  // namespace

const RefusalInfo& refusalInfo(Refusal refusal) noexcept {
  const auto& info = kRefusals[static_cast<std::size_t>(refusal)];
  ATOLL_CHECK(info.refusal == refusal);  // The table is in the enumeration's order.
  return info;
}

std::span<const RefusalInfo> refusals() noexcept { return kRefusals; }

}  // namespace atolld::gateway
