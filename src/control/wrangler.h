#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "control/call.h"
#include "control/router.h"

/// The API that Cloudflare's wrangler speaks, under /client/v4: its envelope, its error codes, its
/// spelling of ids. What an endpoint does is what the same endpoint of /api/v1 does.
namespace atolld::control::wrangler {

inline constexpr std::string_view kBase = "/client/v4/";
/// What most paths begin with. The account is checked against the token and taken off the call's
/// parameters before an endpoint sees them.
inline constexpr std::string_view kAccountPattern = "/client/v4/accounts/:account";

/// Whether a request's target is of this API.
bool isOurs(std::string_view target);

/// Codes that wrangler acts upon.
enum class Code : int {
  RateLimited = 971,
  TokenInvalid = 10000,
  Forbidden = 9109,
  NoScript = 10007,
  NoKey = 10009,
  Unavailable = 10013,
  Exists = 10014,
  Invalid = 10021,
  TooLarge = 10027,
  NameInUse = 10053,
  NoBinding = 10056,
  NothingToInherit = 10057,
  NotDeployed = 10215,
  NoRoute = 7003,
  NotOffered = 10400,
};

/// `{"success":true,"errors":[],"messages":[],"result":…}`, with `result_info` if there is one.
Answer answer(const Json& result);
Answer answer(const Json& result, const Json& resultInfo);
/// The same for what went wrong; the code is the one that fits the error's kind best.
Answer answerError(const Error& error);
Answer answerError(const Error& error, Code code);
Answer answerRateLimited(std::chrono::nanoseconds wait);
/// For a path that no endpoint has: says what this node does not offer.
Answer answerNoPath(std::string_view path);

/// "f47ac10b-58cc-4372-a567-0e02b2c3d479" of the first 32 digits of an id, and back: the digits.
std::string uuidOf(std::string_view id);
std::string digitsOf(std::string_view uuid);
/// The id of a tenant as an account: 32 digits.
std::string accountId(std::string_view tenant);
/// Whether a path's or header's account is the tenant: by name or by id.
bool isAccount(std::string_view account, std::string_view tenant);
/// A script's tag: 32 digits.
std::string scriptTag(std::string_view tenant, std::string_view script);

/// What stands for a person where wrangler shows one.
std::string authorOf(const Services& services, const Call& call);

}  // namespace atolld::control::wrangler
