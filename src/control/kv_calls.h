#pragma once

#include "control/call.h"

/// What both APIs do with KV. The namespace is the call's first parameter, the key its second.
namespace atolld::control {

/// @error NotFound  a namespace of somebody else is as absent as one that never was
Result<> requireNamespace(const Services& services, const Call& call);

/// By "prefix", "limit" and "cursor" of the query.
Result<store::KvListing> listKvKeys(const Services& services, const Call& call);
Result<Json> kvKeysJson(const store::KvListing& listing);

/// The value as an answer: `expiration` and `cf-kv-metadata` beside it.
Result<Answer> getKvValue(const Services& services, const Call& call);
/// The body as it is, or a form with value and metadata; expirations in the query.
Result<store::Position> putKvValue(const Services& services, const Call& call);

/// Metadata in one spelling, so that it reads the same however it came; a TTL made absolute;
/// limits kept. @param ttlSeconds  counts where `put` has no expiration of its own
Result<> settleKvPut(const Services& services, std::optional<std::int64_t> ttlSeconds,
                     store::KvPut& put);

}  // namespace atolld::control
