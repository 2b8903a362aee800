#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "store/database.h"

namespace atolld::store {

inline constexpr std::string_view kDefaultTenant = "default";

/// Tenant and script names, which become hostnames: 1-63 of [a-z0-9-], no '-' at either end.
/// `what` names the thing in the error ("script name"). @error InvalidArgument
Result<> checkName(std::string_view what, std::string_view name);

struct Tenant {
  std::string name;
  UnixMillis createdAt{};
  bool isRemoving = false;  ///< It has no tokens any more, and gets none.
};

/// Column family "tenants": name -> what is known of it. Blocks on disk: storage threads only.
class TenantStore {
 public:
  /// Both borrowed for the store's life.
  TenantStore(Database& database, const Clock& clock) : database_(database), clock_(clock) {}

  /// @error InvalidArgument, AlreadyExists
  Result<Tenant> create(std::string_view name);
  /// An unknown name is an answer, not an error.
  Result<std::optional<Tenant>> find(std::string_view name) const;
  Result<std::vector<Tenant>> list() const;  ///< By name.

  /// Revokes every token and marks the tenant, in one entry; again changes nothing. What it owns is
  /// then removed by those who know it. @error NotFound, InvalidArgument (the default tenant)
  Result<> beginRemoval(std::string_view name);
  /// Removes a marked tenant that owns nothing; true once it is gone. `ownsNothing` is asked within
  /// the proposal. @error NotFound
  Result<bool> endRemoval(std::string_view name,
                          const std::function<Result<bool>(const View& view)>& ownsNothing);

  /// For proposals that decide on more than the tenant: it is there, and not being removed.
  static Result<bool> exists(const View& view, std::string_view name);
  static void stage(const Tenant& tenant, Ops& ops);

 private:
  Database& database_;
  const Clock& clock_;
};

}  // namespace atolld::store
