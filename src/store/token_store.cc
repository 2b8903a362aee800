#include "store/token_store.h"

#include <algorithm>
#include <format>

#include "base/encoding.h"
#include "store/audit_log.h"
#include "store/codec.h"
#include "store/crypto.h"
#include "store/tenant_store.h"
#include "store/utf8.h"

namespace atolld::store {
namespace {

// Two kinds of rows, told apart by the key's first byte:
//   h <SHA-256 of the secret>       -> the token
//   t <tenant> NUL <token id>       -> SHA-256 of the secret
constexpr std::string_view kByHash = "h";
constexpr std::string_view kByTenant = "t";
constexpr std::uint8_t kVersion = 1;
constexpr std::string_view kSecretPrefix = "atoll_";
constexpr std::size_t kSecretBytes = 32;
constexpr std::size_t kIdBytes = 16;

using Lookup = std::optional<Result<std::optional<std::string>>>;
using Found = Result<std::optional<Token>>;

std::string hashKey(std::string_view hash) { return std::string(kByHash) + std::string(hash); }

std::string tenantKey(std::string_view tenant, std::string_view id) {
  return std::string(kByTenant) + std::string(tenant) + '\0' + std::string(id);
}

std::string encodeToken(const Token& token, std::string_view hash) {
  Encoder out;
  out.u8(kVersion).raw(hash).bytes(token.id).bytes(token.tenant);
  out.u8(static_cast<std::uint8_t>(token.role)).bytes(token.name);
  out.i64(token.createdAt.time_since_epoch().count());
  out.u8(token.script ? 1 : 0);
  if (token.script) out.bytes(*token.script);
  return out.take();
}

/// @error Corrupt: not a token's row, or the row of another hash.
Result<Token> decodeToken(std::string_view row, std::string_view hash) {
  Decoder in(row);
  if (in.u8() != kVersion) in.reject("has an unknown format version");
  if (!equalInConstantTime(in.raw(kHashBytes), hash)) in.reject("belongs to another secret");
  Token token;
  token.id = in.bytes();
  token.tenant = in.bytes();
  const std::uint8_t role = in.u8();
  if (role > static_cast<std::uint8_t>(Role::Operator)) in.reject("has an unknown role");
  token.name = in.bytes();
  token.createdAt = UnixMillis(std::chrono::milliseconds(in.i64()));
  const std::uint8_t hasScript = in.u8();
  if (hasScript > 1) in.reject("has unknown flags");
  if (hasScript == 1) token.script = in.bytes();
  ATOLL_TRY_VOID(in.finish("token row"));
  token.role = static_cast<Role>(role);
  return token;
}

/// As it stands in the audit log: the id, the role and what people call it.
std::string subjectOf(const Token& token) {
  std::string subject = std::format("{} {}", token.id, roleName(token.role));
  if (token.script) subject += " of script " + *token.script;
  if (!token.name.empty()) subject += " " + token.name;
  return subject;
}

NewToken makeToken(std::string_view tenant, Role role, std::string_view name,
                   std::optional<std::string> script, UnixMillis now) {
  NewToken made;
  made.secret = std::string(kSecretPrefix) + toHex(randomBytes(kSecretBytes));
  made.token = Token{.id = toHex(randomBytes(kIdBytes)),
                     .tenant = std::string(tenant),
                     .role = role,
                     .name = std::string(name),
                     .createdAt = now,
                     .script = std::move(script)};
  return made;
}

void stageToken(const NewToken& made, Ops& ops) {
  const std::string hash = sha256(made.secret);
  ops.push_back({Op::Kind::Put, Family::Tokens, hashKey(hash), encodeToken(made.token, hash)});
  ops.push_back({Op::Kind::Put, Family::Tokens, tenantKey(made.token.tenant, made.token.id), hash});
}

template <class LookUp>
std::optional<Found> findToken(std::string_view secret, const LookUp& lookUp) {
  if (secret.size() != kSecretPrefix.size() + 2 * kSecretBytes ||
      !secret.starts_with(kSecretPrefix)) {
    return Found(std::nullopt);
  }
  const std::string hash = sha256(secret);
  Lookup looked = lookUp(hashKey(hash));
  if (!looked) return std::nullopt;
  if (!*looked) return Found(std::unexpected(std::move(*looked).error()));
  if (!**looked) return Found(std::nullopt);
  Result<Token> token = decodeToken(***looked, hash);
  if (!token) return Found(std::unexpected(std::move(token).error()));
  return Found(*std::move(token));
}

}  // namespace

std::string_view roleName(Role role) {
  switch (role) {
    case Role::Owner:
      return "owner";
    case Role::Deployer:
      return "deployer";
    case Role::Viewer:
      return "viewer";
    case Role::Operator:
      return "operator";
  }
  return "viewer";
}

std::optional<Role> parseRole(std::string_view name) {
  for (const Role role : {Role::Owner, Role::Deployer, Role::Viewer, Role::Operator}) {
    if (roleName(role) == name) return role;
  }
  return std::nullopt;
}

Result<NewToken> TokenStore::create(std::string_view tenant, Role role, std::string_view name,
                                    std::optional<std::string> script) {
  if (name.size() > kNameBytesMax || !isUtf8(name)) {
    return fail(ErrorCode::InvalidArgument,
                std::format("token name: at most {} bytes of UTF-8", kNameBytesMax));
  }
  if (script) ATOLL_TRY_VOID(checkName("script name", *script));
  const NewToken made = makeToken(tenant, role, name, std::move(script), clock_.now());
  const auto decide = [&](const View& view) -> Result<Ops> {
    ATOLL_TRY(const bool isThere, TenantStore::exists(view, tenant));
    if (!isThere) return fail(ErrorCode::NotFound, std::format("there is no tenant {}", tenant));
    Ops ops;
    stageToken(made, ops);
    stageAudit({.action = "token.create", .subject = subjectOf(made.token), .tenant = tenant}, ops);
    return ops;
  };
  ATOLL_TRY_VOID(database_.commit(decide));
  return made;
}

Result<std::optional<Token>> TokenStore::find(std::string_view secret) const {
  return *findToken(
      secret, [&](std::string_view key) -> Lookup { return database_.get(Family::Tokens, key); });
}

std::optional<Result<std::optional<Token>>> TokenStore::tryFind(std::string_view secret) const {
  return findToken(secret,
                   [&](std::string_view key) { return database_.tryGet(Family::Tokens, key); });
}

Result<> TokenStore::revoke(std::string_view tenant, std::string_view id) {
  const auto decide = [&](const View& view) -> Result<Ops> {
    const std::string key = tenantKey(tenant, id);
    ATOLL_TRY(const std::optional<std::string> hash, view.get(Family::Tokens, key));
    if (!hash) {
      return fail(ErrorCode::NotFound, std::format("tenant {} has no token with that id", tenant));
    }
    Ops ops;
    ops.push_back({Op::Kind::Delete, Family::Tokens, key, {}});
    ops.push_back({Op::Kind::Delete, Family::Tokens, hashKey(*hash), {}});
    stageAudit({.action = "token.revoke", .subject = id, .tenant = tenant}, ops);
    return ops;
  };
  ATOLL_TRY_VOID(database_.commit(decide));
  return {};
}

Result<> TokenStore::stageRevokeAll(const View& view, std::string_view tenant, Ops& ops) {
  return view.scan(Family::Tokens, tenantKey(tenant, ""), "",
                   [&](std::string_view key, std::string_view hash) {
                     ops.push_back({Op::Kind::Delete, Family::Tokens, std::string(key), {}});
                     ops.push_back({Op::Kind::Delete, Family::Tokens, hashKey(hash), {}});
                     return true;
                   });
}

Result<std::vector<Token>> TokenStore::list(std::string_view tenant) const {
  const std::unique_ptr<View> view = database_.view();
  std::vector<Token> tokens;
  Result<> visited;
  const auto read = [&](std::string_view hash) -> Result<> {
    ATOLL_TRY(const std::optional<std::string> row, view->get(Family::Tokens, hashKey(hash)));
    if (!row) return fail(ErrorCode::Corrupt, "a token is listed and not there");
    ATOLL_TRY(Token token, decodeToken(*row, hash));
    tokens.push_back(std::move(token));
    return {};
  };
  ATOLL_TRY_VOID(view->scan(Family::Tokens, tenantKey(tenant, ""), "",
                            [&](std::string_view, std::string_view hash) {
                              visited = read(hash);
                              return visited.has_value();
                            }));
  if (!visited) return std::unexpected(std::move(visited).error());
  std::ranges::stable_sort(tokens, {}, &Token::createdAt);
  return tokens;
}

Result<std::optional<NewToken>> startTenancy(
    Database& database, const Clock& clock,
    const std::function<Result<>(const NewToken& token)>& keepSecret) {
  ATOLL_TRY(const std::vector<Tenant> tenants, TenantStore(database, clock).list());
  if (!tenants.empty()) return std::nullopt;
  const NewToken made =
      makeToken(kDefaultTenant, Role::Owner, "first start", std::nullopt, clock.now());
  ATOLL_TRY_VOID(keepSecret(made));
  const auto decide = [&](const View& view) -> Result<Ops> {
    ATOLL_TRY(const bool isThere, TenantStore::exists(view, kDefaultTenant));
    if (isThere) return fail(ErrorCode::AlreadyExists, "another first start was faster");
    Ops ops;
    TenantStore::stage({.name = std::string(kDefaultTenant), .createdAt = clock.now()}, ops);
    stageToken(made, ops);
    stageAudit({.action = "token.create", .subject = subjectOf(made.token)}, ops);
    return ops;
  };
  const Author author{.tenant = std::string(kDefaultTenant),
                      .tokenId = {},
                      .role = "first start",
                      .address = {},
                      .ray = {}};
  const AuthorScope scope(author);
  ATOLL_TRY_VOID(database.commit(decide));
  return made;
}

}  // namespace atolld::store
