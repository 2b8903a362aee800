#include "control/wrangler.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "base/encoding.h"
#include "store/crypto.h"

namespace atolld::control::wrangler {
namespace {

constexpr std::size_t kIdDigits = 32;

Code codeOf(ErrorCode code) {
  switch (code) {
    case ErrorCode::Unauthorized:
      return Code::TokenInvalid;
    case ErrorCode::Forbidden:
      return Code::Forbidden;
    case ErrorCode::NotFound:
      return Code::NoScript;
    case ErrorCode::AlreadyExists:
      return Code::Exists;
    case ErrorCode::TooLarge:
      return Code::TooLarge;
    case ErrorCode::Aborted:
      return Code::NotDeployed;
    case ErrorCode::InvalidArgument:
    case ErrorCode::Protocol:
    case ErrorCode::Script:
      return Code::Invalid;
    default:
      return Code::Unavailable;
  }
}

std::string digitsFrom(std::string_view text) {
  return toHex(store::sha256(text)).substr(0, kIdDigits);
}

Json envelope(bool isSuccess) {
  return {{"success", isSuccess}, {"errors", Json::array()}, {"messages", Json::array()}};
}

// Parts of Cloudflare's API that people's projects ask for, and that this node has nothing behind.
constexpr struct {
  std::string_view segment, name;
} kNotOffered[] = {
    {"queues", "Queues"},
    {"event_subscriptions", "Queues"},
    {"d1", "D1 databases"},
    {"r2", "R2 buckets"},
    {"hyperdrive", "Hyperdrive"},
    {"vectorize", "Vectorize"},
    {"workflows", "Workflows"},
    {"pipelines", "Pipelines"},
    {"containers", "Containers"},
    {"cloudchamber", "Containers"},
    {"ai", "Workers AI"},
    {"pages", "Pages"},
    {"secrets_store", "the Secrets Store"},
    {"dispatch", "dispatch namespaces"},
    {"triggers", "event triggers"},
    {"mtls_certificates", "mTLS certificates"},
};

}  // namespace

bool isOurs(std::string_view target) { return target.starts_with(kBase); }

Answer answer(const Json& result) {
  Json body = envelope(true);
  body["result"] = result;
  return answerJson(body);
}

Answer answer(const Json& result, const Json& resultInfo) {
  Json body = envelope(true);
  body["result"] = result;
  body["result_info"] = resultInfo;
  return answerJson(body);
}

Answer answerError(const Error& error) { return answerError(error, codeOf(error.code)); }

namespace {

/// What the other API answers, in this one's envelope. Its answer knows which errors say nothing of
/// themselves; its status is ours but for one that wrangler does not know.
Answer translate(Answer made, Code code) {
  const Json other = Json::parse(made.body.view());
  Json body = envelope(false);
  body["errors"].push_back(
      {{"code", static_cast<int>(code)}, {"message", other["error"]["message"]}});
  body["result"] = nullptr;
  if (made.status == 422) made.status = 400;
  Answer ours = answerJson(body, made.status);
  ours.headers = std::move(made.headers);
  return ours;
}

}  // namespace

Answer answerError(const Error& error, Code code) {
  return translate(control::answerError(error), code);
}

Answer answerRateLimited(std::chrono::nanoseconds wait) {
  return translate(control::answerRateLimited(wait), Code::RateLimited);
}

Answer answerNoPath(std::string_view path) {
  for (std::string_view rest = path; !rest.empty();) {
    const std::string_view segment = rest.substr(0, rest.find('/'));
    rest.remove_prefix(std::min(segment.size() + 1, rest.size()));
    const auto found =
        std::ranges::find(kNotOffered, segment, [](const auto& part) { return part.segment; });
    if (found == std::end(kNotOffered)) continue;
    // 400: wrangler tries a 5xx again and again.
    return answerError({ErrorCode::InvalidArgument,
                        "this node does not offer " + std::string(found->name) + " (yet)"},
                       Code::NotOffered);
  }
  return answerError({ErrorCode::NotFound, "there is no such path in this node's API"},
                     Code::NoRoute);
}

std::string uuidOf(std::string_view id) {
  std::string uuid(id.substr(0, kIdDigits));
  if (uuid.size() < kIdDigits) return uuid;
  for (const std::size_t place : {20, 16, 12, 8}) uuid.insert(place, 1, '-');
  return uuid;
}

std::string digitsOf(std::string_view uuid) {
  std::string digits(uuid);
  std::erase(digits, '-');
  return digits;
}

std::string accountId(std::string_view tenant) {
  return digitsFrom("account " + std::string(tenant));
}

bool isAccount(std::string_view account, std::string_view tenant) {
  return account == tenant || account == accountId(tenant);
}

std::string scriptTag(std::string_view tenant, std::string_view script) {
  return digitsFrom("script " + std::string(tenant) + "/" + std::string(script));
}

std::string authorOf(const Services& services, const Call& call) {
  return call.identity.tenant + "@" + services.node.defaultDomain;
}

}  // namespace atolld::control::wrangler
