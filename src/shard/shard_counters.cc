#include "shard/shard_counters.h"

#include <format>
#include <iterator>
#include <mutex>
#include <string>
#include <vector>

#include "telemetry/metrics.h"

namespace atolld::shard {
namespace {

struct All {
  std::mutex mutex;
  std::vector<std::shared_ptr<const ShardCounters>> shards;  // Guarded by mutex.
};

All& all() {
  static auto* const instance = new All;  // Never destroyed: metrics may be read to the end.
  return *instance;
}

struct Family {
  std::string_view name, type, help;
  OwnCounter ShardCounters::* member;
  double scale = 1;
};

constexpr double kSecondsPerNano = 1e-9;
constexpr Family kFamilies[] = {
    {"atoll_slices_total", "counter", "Entries into isolates with events.", &ShardCounters::slices},
    {"atoll_events_total", "counter", "Events that scripts handled.", &ShardCounters::events},
    {"atoll_handoffs_total", "counter", "Slices that went on without their shard's seat.",
     &ShardCounters::handoffs},
    {"atoll_isolates", "gauge", "Isolates with a script loaded.", &ShardCounters::workers},
    {"atoll_isolates_warm", "gauge", "Of those, ready and with nothing to do.",
     &ShardCounters::idleWorkers},
    {"atoll_cold_starts_total", "counter", "Versions loaded into an isolate.",
     &ShardCounters::coldStarts},
    {"atoll_cold_start_seconds_total", "counter", "Time they took, from isolate to evaluated.",
     &ShardCounters::coldStartNanos, kSecondsPerNano},
    {"atoll_cold_start_isolate_seconds_total", "counter", "Of that, until there was an isolate.",
     &ShardCounters::isolateNanos, kSecondsPerNano},
    {"atoll_cold_start_compile_seconds_total", "counter", "Of that, compiling and linking.",
     &ShardCounters::compileNanos, kSecondsPerNano},
    {"atoll_cold_start_evaluate_seconds_total", "counter", "Of that, running top levels.",
     &ShardCounters::evaluateNanos, kSecondsPerNano},
    {"atoll_cold_start_lookup_seconds_total", "counter",
     "Time before that until versions were read from the store.", &ShardCounters::lookupNanos,
     kSecondsPerNano},
    {"atoll_cold_starts_cached_total", "counter", "Cold starts whose code was compiled before.",
     &ShardCounters::cachedStarts},
    {"atoll_isolates_warmed_total", "counter",
     "Isolates made ready before they were asked for: a TLS handshake named their host, or a new "
     "version of what runs was deployed.",
     &ShardCounters::warmed},
    {"atoll_isolates_warmed_used_total", "counter", "Of those, asked for something.",
     &ShardCounters::warmHits},
    {"atoll_isolates_evicted_total", "counter", "Warm isolates that made room for others.",
     &ShardCounters::evictions},
    {"atoll_isolates_evicted_for_memory_total", "counter",
     "Of those, while the process had more memory than it should.",
     &ShardCounters::pressureEvictions},
    {"atoll_requests_shed_total", "counter",
     "Waiting requests that made room for those of tenants with fewer.", &ShardCounters::shed},
    {"atoll_isolates_lost_total", "counter", "Isolates lost to a limit or a failed load.",
     &ShardCounters::losses},
};

void renderQueues(const std::vector<std::shared_ptr<const ShardCounters>>& shards,
                  std::string& text) {
  constexpr std::string_view kName = "atoll_queue_seconds";
  constexpr double kSecondsPerMilli = 1e-3;
  auto out = std::back_inserter(text);
  std::format_to(out,
                 "# HELP {} How long the first event of a slice had waited for its turn.\n"
                 "# TYPE {} histogram\n",
                 kName, kName);
  for (std::size_t i = 0; i < shards.size(); ++i) {
    const ShardCounters& shard = *shards[i];
    std::uint64_t sum = 0;
    for (std::size_t bucket = 0; bucket < shard.queued.size(); ++bucket) {
      sum += shard.queued[bucket].value();
      const std::string bound =
          bucket < ShardCounters::kQueueMillis.size()
              ? std::format("{}", static_cast<double>(ShardCounters::kQueueMillis[bucket]) *
                                      kSecondsPerMilli)
              : "+Inf";
      std::format_to(out, "{}_bucket{{shard=\"{}\",le=\"{}\"}} {}\n", kName, i, bound, sum);
    }
    std::format_to(out, "{}_sum{{shard=\"{}\"}} {}\n", kName, i,
                   static_cast<double>(shard.queuedMillis.value()) * kSecondsPerMilli);
    std::format_to(out, "{}_count{{shard=\"{}\"}} {}\n", kName, i, sum);
  }
}

std::string render() {
  All& counted = all();
  const std::scoped_lock lock(counted.mutex);
  std::string text;
  auto out = std::back_inserter(text);
  for (const Family& family : kFamilies) {
    std::format_to(out, "# HELP {} {}\n# TYPE {} {}\n", family.name, family.help, family.name,
                   family.type);
    for (std::size_t i = 0; i < counted.shards.size(); ++i) {
      const auto value = static_cast<double>((*counted.shards[i].*family.member).value());
      std::format_to(out, "{}{{shard=\"{}\"}} {}\n", family.name, i, value * family.scale);
    }
  }
  renderQueues(counted.shards, text);
  return text;
}

}  // namespace

std::shared_ptr<ShardCounters> ShardCounters::add() {
  static std::once_flag once;
  std::call_once(once, [] { telemetry::collector(&render); });
  auto counters = std::make_shared<ShardCounters>();
  const std::scoped_lock lock(all().mutex);
  all().shards.push_back(counters);
  return counters;
}

}  // namespace atolld::shard
