#include "store_storm.h"

#include <algorithm>
#include <array>
#include <format>
#include <map>

namespace atolld::chaos {
namespace {

/// Steps a deploy stream spreads over: two scripts, deployed in turn.
constexpr std::uint64_t kScriptCount = 2;

std::unexpected<Error> lost(std::string detail) {
  return fail(ErrorCode::Corrupt, std::move(detail));
}

deploy::Upload uploadOf(const Step& step) {
  deploy::Upload upload;
  upload.mainModule = "index.js";
  upload.compatibilityDate = "2026-11-23";
  upload.modules.push_back({.name = "index.js",
                            .type = deploy::ModuleType::EsModule,
                            .content = Bytes(step.code()),
                            .hash = {}});
  upload.modules.push_back({.name = "shared.txt",
                            .type = deploy::ModuleType::Text,
                            .content = Bytes(std::string(100'000, 's')),
                            .hash = {}});
  return upload;
}

/// Whether `key` is as the last step on it within the first `done` steps of the stream left it.
Result<bool> isAsAfter(int stream, std::uint64_t done, std::uint64_t slot,
                       const store::KvStore& kv) {
  std::uint64_t last = 0;
  for (std::uint64_t number = done; number > 0 && done - number < kKeysPerStream; --number) {
    if (number % kKeysPerStream == slot) {
      last = number;
      break;
    }
  }
  const Step named{.stream = stream, .number = last == 0 ? slot : last};
  ATOLL_TRY(const std::optional<store::KvEntry> entry, kv.get(kNamespace, named.key()));
  if (last == 0 || named.isDelete()) return !entry.has_value();
  return entry && entry->value.view() == named.value();
}

Result<std::uint64_t> checkKvStream(int stream, std::uint64_t acknowledged,
                                    const store::KvStore& kv) {
  std::array<bool, 2> fits = {true, true};
  for (std::uint64_t slot = 0; slot < kKeysPerStream; ++slot) {
    for (std::uint64_t more = 0; more < fits.size(); ++more) {
      ATOLL_TRY(const bool fitsHere, isAsAfter(stream, acknowledged + more, slot, kv));
      fits[more] = fits[more] && fitsHere;
    }
  }
  if (!fits[0] && !fits[1]) {
    return lost(
        std::format("stream {}: its keys are neither as after step {} nor as after the "
                    "next one",
                    stream, acknowledged));
  }
  // Both fit when the next step changes nothing (a delete of a key that is not there).
  return fits[0] ? acknowledged : acknowledged + 1;
}

Result<std::uint64_t> checkDeployStream(std::uint64_t acknowledged,
                                        const deploy::Registry& registry) {
  std::uint64_t done = acknowledged;
  for (std::uint64_t i = 0; i < kScriptCount; ++i) {
    // The newest acknowledged step of this script, and the one that may have come after it.
    std::uint64_t last = acknowledged;
    while (last > 0 && last % kScriptCount != i) --last;
    const Step step{.stream = kDeployStream, .number = last};
    const Step next{.stream = kDeployStream, .number = acknowledged + 1};
    ATOLL_TRY(const std::optional<deploy::Deployment> current,
              registry.deployment(kTenant, Step{.number = i}.script()));
    if (!current) {
      if (last == 0) continue;
      return lost(std::format("deploy {} was acknowledged and the script has no deployment", last));
    }
    ATOLL_TRY(const std::shared_ptr<const deploy::Version> version,
              registry.version(kTenant, current->script, current->shares.at(0).versionId));
    const std::string_view code = version->modules.at(0).content.view();
    const bool isNext = next.number % kScriptCount == i && code == next.code();
    if (isNext) {
      done = next.number;
    } else if (last == 0 || code != step.code()) {
      return lost(std::format("deploy {} was acknowledged and another version answers", last));
    }
  }
  return done;
}

}  // namespace

std::string Step::key() const {
  return std::format("stream {}/key {}", stream, number % kKeysPerStream);
}

std::string Step::value() const {
  constexpr std::array<std::size_t, 5> kSizes = {0, 10, 1000, 20'000, 70'000};
  const std::string text = std::format("{}/{} ", stream, number);
  const std::size_t size = kSizes[number % kSizes.size()];
  std::string value;
  while (value.size() < size) value += text;
  return value + text;
}

std::string Step::script() const { return std::format("script-{}", number % kScriptCount); }

std::string Step::code() const {
  return std::format("export default {{ fetch() {{ return new Response('{}'); }} }};", number);
}

Result<> perform(const Step& step, store::KvStore& kv, deploy::Registry& registry) {
  if (step.stream == kDeployStream) {
    ATOLL_TRY(const deploy::VersionSummary version,
              registry.upload(kTenant, step.script(), uploadOf(step)));
    ATOLL_TRY_VOID(registry.activate(kTenant, step.script(),
                                     {{.versionId = version.id, .percent = 100}}, "storm"));
    return {};
  }
  if (step.isDelete()) {
    ATOLL_TRY_VOID(kv.remove(kNamespace, {step.key()}));
    return {};
  }
  std::vector<store::KvPut> puts;
  puts.push_back({.key = step.key(),
                  .value = Bytes(step.value()),
                  .metadata = std::nullopt,
                  .expirationSeconds = 4'000'000'000});
  ATOLL_TRY_VOID(kv.put(kNamespace, std::move(puts)));
  return {};
}

Result<std::uint64_t> checkStream(int stream, std::uint64_t acknowledged, const store::KvStore& kv,
                                  const deploy::Registry& registry) {
  return stream == kDeployStream ? checkDeployStream(acknowledged, registry)
                                 : checkKvStream(stream, acknowledged, kv);
}

}  // namespace atolld::chaos
