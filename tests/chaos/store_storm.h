#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "deploy/registry.h"
#include "store/database.h"
#include "store/kv_store.h"

/// The load of the chaos tests, and what it must have left behind. Every step is a function of its
/// stream and number alone, so that the checker knows what each step wrote.
namespace atolld::chaos {

inline constexpr std::string_view kTenant = "default";
inline constexpr std::string_view kNamespace = "storm";
/// Streams 0 to kKvStreamCount - 1 put and delete KV keys; the one after them deploys.
inline constexpr int kKvStreamCount = 4;
inline constexpr int kDeployStream = kKvStreamCount;
inline constexpr int kStreamCount = kKvStreamCount + 1;
/// Each stream comes back to its keys, so that steps overwrite each other's work.
inline constexpr std::uint64_t kKeysPerStream = 20;

struct Step {
  int stream = 0;
  std::uint64_t number = 0;  ///< 1, 2, 3 … within the stream, through all rounds.

  bool isDelete() const { return number % 7 == 0; }
  std::string key() const;
  std::string value() const;  ///< Sizes from nothing to more than a blob's minimum.
  std::string script() const;
  std::string code() const;
};

/// Does the step; when this returns, it is acknowledged.
Result<> perform(const Step& step, store::KvStore& kv, deploy::Registry& registry);

/// The stream's state is what its first `acknowledged` steps made, or what these and the next one
/// made: that one may have been committed and not yet acknowledged.
/// @return how many steps took effect.  @error Corrupt says what is wrong.
Result<std::uint64_t> checkStream(int stream, std::uint64_t acknowledged, const store::KvStore& kv,
                                  const deploy::Registry& registry);

}  // namespace atolld::chaos
