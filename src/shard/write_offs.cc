#include "shard/write_offs.h"

#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <utility>

#include "loop/machine.h"
#include "telemetry/log.h"

namespace atolld::shard {
namespace {

std::string keyOf(const deploy::Version& version) { return version.tenant + '/' + version.script; }

}  // namespace

WriteOffs& WriteOffs::ofProcess() {
  static WriteOffs instance;
  return instance;
}

void WriteOffs::add(const deploy::Version& version, const Error& why) {
  constexpr std::chrono::seconds kFirst{10}, kLongest{3600};
  constexpr unsigned kDoublingsMax = 16;
  std::size_t count = 0;
  {
    const std::scoped_lock lock(mutex_);
    Offender& offender = offenders_[keyOf(version)];
    const unsigned doublings = std::min(offender.times++, kDoublingsMax);
    offender.awayUntil = Clock::now() + std::min(kFirst * (1U << doublings), kLongest);
    count = ++count_;
  }
  telemetry::log(telemetry::Level::Error, "thread_written_off",
                 {{"tenant", std::string_view(version.tenant)},
                  {"script", std::string_view(version.script)},
                  {"version", std::string_view(version.id)},
                  {"reason", std::string_view(why.detail)},
                  {"count", static_cast<std::int64_t>(count)}});
  const bool full = loop::residentMemoryBytes() > loop::usableMemoryBytes() / 2;
  if ((count < kMax && !full) || wornOut_.exchange(true)) return;
  telemetry::log(telemetry::Level::Error, "worn_out",
                 {{"reason", std::string_view(full ? "what was written off takes too much memory"
                                                   : "too many threads were written off")}});
  ::kill(::getpid(), SIGTERM);
}

void WriteOffs::quarantine(std::string versionId) {
  const std::scoped_lock lock(mutex_);
  quarantined_.insert(std::move(versionId));
  anyQuarantined_.store(true);
}

Result<> WriteOffs::check(const deploy::Version& version) const {
  if (count() == 0 && !anyQuarantined_.load()) return {};
  const std::scoped_lock lock(mutex_);
  if (quarantined_.contains(version.id)) {
    return fail(ErrorCode::Forbidden, "this version has ended the whole process more than once");
  }
  const auto it = offenders_.find(keyOf(version));
  if (it == offenders_.end() || Clock::now() >= it->second.awayUntil) return {};
  return fail(ErrorCode::Overloaded,
              "the script made an isolate of its unusable and cannot run for a while: see its log");
}

}  // namespace atolld::shard
