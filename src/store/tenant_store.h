#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "store/database.h"

namespace atolld::store {

/// Tenant and script names, which become hostnames: 1-63 of [a-z0-9-], no '-' at either end.
/// `what` names the thing in the error ("script name"). @error InvalidArgument
Result<> checkName(std::string_view what, std::string_view name);

struct Tenant {
  std::string name;
  UnixMillis createdAt{};
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

  /// For proposals that decide on more than the tenant.
  static Result<bool> exists(const View& view, std::string_view name);
  static void stage(const Tenant& tenant, Ops& ops);

 private:
  Database& database_;
  const Clock& clock_;
};

}  // namespace atolld::store
