#include "store/join_token_store.h"

#include <format>

#include "base/encoding.h"
#include "store/audit_log.h"
#include "store/codec.h"
#include "store/crypto.h"

namespace atolld::store {
namespace {

constexpr std::uint8_t kVersion = 1;
constexpr std::size_t kSecretBytes = 32;
/// Used and expired tokens are kept for a day: whoever tries one again learns what it was.
constexpr std::chrono::hours kKept{24};

struct JoinToken {
  UnixMillis expiresAt{};
  std::string usedBy;  ///< A key's hash; empty while it is good.
};

std::string encode(const JoinToken& token) {
  return Encoder()
      .u8(kVersion)
      .i64(token.expiresAt.time_since_epoch().count())
      .raw(token.usedBy)
      .take();
}

Result<JoinToken> decode(std::string_view row) {
  Decoder in(row);
  if (in.u8() != kVersion) in.reject("has an unknown format version");
  JoinToken token{.expiresAt = UnixMillis(std::chrono::milliseconds(in.i64())), .usedBy = {}};
  token.usedBy = in.rest();
  if (!token.usedBy.empty() && token.usedBy.size() != kHashBytes) in.reject("has half a hash");
  ATOLL_TRY_VOID(in.finish("join token row"));
  return token;
}

/// Deletes what has been of no use for a day.
Result<> stageForgetOld(const View& view, UnixMillis now, Ops& ops) {
  return view.scan(Family::JoinTokens, "", "", [&](std::string_view key, std::string_view row) {
    const Result<JoinToken> token = decode(row);
    if (!token || token->expiresAt + kKept < now) {
      ops.push_back({Op::Kind::Delete, Family::JoinTokens, std::string(key), {}});
    }
    return ops.size() < 1000;
  });
}

}  // namespace

Result<std::string> JoinTokenStore::create(std::chrono::seconds lifetime) {
  if (lifetime <= std::chrono::seconds::zero() || lifetime > kLifetimeMax) {
    return fail(ErrorCode::InvalidArgument,
                std::format("a join token lives for 1 to {} seconds", kLifetimeMax.count()));
  }
  const std::string secret = toHex(randomBytes(kSecretBytes));
  const UnixMillis now = clock_.now();
  const auto decide = [&](const View& view) -> Result<Ops> {
    Ops ops;
    ATOLL_TRY_VOID(stageForgetOld(view, now, ops));
    ops.push_back({Op::Kind::Put, Family::JoinTokens, sha256(secret),
                   encode({.expiresAt = now + lifetime, .usedBy = {}})});
    stageAudit({.action = "node.token", .subject = ""}, ops);
    return ops;
  };
  ATOLL_TRY_VOID(database_.commit(decide));
  return secret;
}

Result<> JoinTokenStore::join(std::string_view secret, const FleetNode& node) {
  ATOLL_TRY_VOID(checkFleetNode(node));
  const UnixMillis now = clock_.now();
  const auto decide = [&](const View& view) -> Result<Ops> {
    const std::string key = sha256(secret);
    ATOLL_TRY(const std::optional<std::string> row, view.get(Family::JoinTokens, key));
    if (!row) return fail(ErrorCode::Unauthorized, "the join token is unknown");
    ATOLL_TRY(JoinToken token, decode(*row));
    if (!token.usedBy.empty() && token.usedBy != node.keyHash) {
      return fail(ErrorCode::Unauthorized, "the join token was used: each is good for one node");
    }
    if (token.expiresAt <= now) return fail(ErrorCode::Unauthorized, "the join token has expired");
    ATOLL_TRY(const std::optional<FleetNode> existing, NodeStore::read(view, node.name));
    if (existing && existing->keyHash != node.keyHash) {
      return fail(ErrorCode::AlreadyExists,
                  std::format("there is a node \"{}\" already: choose another --name, or remove "
                              "that one first",
                              node.name));
    }
    token.usedBy = node.keyHash;
    Ops ops;
    ops.push_back({Op::Kind::Put, Family::JoinTokens, key, encode(token)});
    NodeStore::stage(node, ops);
    stageAudit({.action = "node.join", .subject = node.name}, ops);
    return ops;
  };
  ATOLL_TRY_VOID(database_.commit(decide));
  return {};
}

}  // namespace atolld::store
