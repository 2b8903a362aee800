#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "store/database.h"
#include "store/tenant_store.h"

namespace atolld::store {

/// What a token's holder may do.
enum class Role : std::uint8_t {
  Owner,     ///< Everything in the tenant, tokens included.
  Deployer,  ///< Scripts, versions, deployments, routes and KV of the tenant.
  Viewer,    ///< Reads what a deployer may change; no KV values.
  Operator   ///< The fleet: tenants, nodes, certificates.
};

/// "owner", "deployer", "viewer", "operator".
std::string_view roleName(Role role);
std::optional<Role> parseRole(std::string_view name);

struct Token {
  std::string id;  ///< 32 hex digits: names the token in lists and logs; no secret.
  std::string tenant;
  Role role = Role::Viewer;
  std::string name;  ///< For people.
  UnixMillis createdAt{};
  std::optional<std::string> script;  ///< Only this script of the tenant, if set.
};

struct NewToken {
  Token token;
  std::string secret;  ///< "atoll_" and 64 hex digits. Shown once: only its hash is stored.
};

/// Column family "tokens". Blocks on disk: storage threads only.
class TokenStore {
 public:
  static constexpr std::size_t kNameBytesMax = 128;

  /// Both borrowed for the store's life.
  TokenStore(Database& database, const Clock& clock) : database_(database), clock_(clock) {}

  /// @error NotFound (the tenant), InvalidArgument (a name)
  Result<NewToken> create(std::string_view tenant, Role role, std::string_view name,
                          std::optional<std::string> script = std::nullopt);
  /// The token a caller presents. What is looked up is the secret's SHA-256, so the time it takes
  /// tells nothing of any stored secret. An unknown or malformed secret is an answer, not an error.
  Result<std::optional<Token>> find(std::string_view secret) const;
  /// As find(), from memory only; nullopt outside: ask a storage thread. Any thread.
  std::optional<Result<std::optional<Token>>> tryFind(std::string_view secret) const;
  /// At once, on this node; nothing that is in flight is stopped. @error NotFound
  Result<> revoke(std::string_view tenant, std::string_view id);
  Result<std::vector<Token>> list(std::string_view tenant) const;  ///< Oldest first.

  /// For a proposal that ends a tenant.
  static Result<> stageRevokeAll(const View& view, std::string_view tenant, Ops& ops);

 private:
  Database& database_;
  const Clock& clock_;
};

/// On a database without any tenant: makes tenant "default" and an owner's token for it, in one
/// entry. On any other does nothing and returns nothing.
///
/// `keepSecret` gets the secret before the commit, to write it where the owner finds it: so a crash
/// between the two leaves a secret that is good for nothing, and the next start makes another. Its
/// error ends the first start. @error Io, or keepSecret's
Result<std::optional<NewToken>> startTenancy(
    Database& database, const Clock& clock,
    const std::function<Result<>(const NewToken& token)>& keepSecret);

}  // namespace atolld::store
