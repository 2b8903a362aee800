#include "store/tenant_store.h"

#include <algorithm>
#include <format>
#include <utility>

#include "store/audit_log.h"
#include "store/codec.h"
#include "store/token_store.h"

namespace atolld::store {
namespace {

constexpr std::uint8_t kVersion = 1;
constexpr std::uint8_t kRemovingVersion = 2;
constexpr std::size_t kNameBytesMax = 63;

constexpr bool isNameCharacter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
}

Result<Tenant> decodeTenant(std::string_view name, std::string_view row) {
  Decoder in(row);
  const std::uint8_t version = in.u8();
  if (version != kVersion && version != kRemovingVersion) {
    in.reject("has an unknown format version");
  }
  const UnixMillis createdAt{std::chrono::milliseconds(in.i64())};
  ATOLL_TRY_VOID(in.finish("tenant row"));
  return Tenant{
      .name = std::string(name), .createdAt = createdAt, .isRemoving = version == kRemovingVersion};
}

/// @error NotFound
Result<Tenant> requireTenant(const View& view, std::string_view name) {
  ATOLL_TRY(const std::optional<std::string> row, view.get(Family::Tenants, name));
  if (!row) return fail(ErrorCode::NotFound, std::format("there is no tenant {}", name));
  return decodeTenant(name, *row);
}

}  // namespace

Result<> checkName(std::string_view what, std::string_view name) {
  const bool isGood = !name.empty() && name.size() <= kNameBytesMax &&
                      std::ranges::all_of(name, isNameCharacter) && name.front() != '-' &&
                      name.back() != '-';
  if (isGood) return {};
  const bool isPrintable =
      std::ranges::all_of(name, [](char c) { return c > ' ' && c < '\x7f' && c != '"'; });
  return fail(ErrorCode::InvalidArgument,
              std::format("{} \"{}\": use 1 to {} of a-z, 0-9 and '-', without '-' at either end",
                          what, isPrintable ? name.substr(0, 100) : "…", kNameBytesMax));
}

Result<Tenant> TenantStore::create(std::string_view name) {
  ATOLL_TRY_VOID(checkName("tenant name", name));
  const Tenant tenant{.name = std::string(name), .createdAt = clock_.now()};
  const auto decide = [&](const View& view) -> Result<Ops> {
    ATOLL_TRY(const std::optional<std::string> row, view.get(Family::Tenants, name));
    if (row) {
      return fail(ErrorCode::AlreadyExists, std::format("tenant {} exists already", name));
    }
    Ops ops;
    stage(tenant, ops);
    stageAudit({.action = "tenant.create", .subject = name}, ops);
    return ops;
  };
  ATOLL_TRY_VOID(database_.commit(decide));
  return tenant;
}

Result<std::optional<Tenant>> TenantStore::find(std::string_view name) const {
  if (name.empty()) return std::nullopt;
  ATOLL_TRY(const std::optional<std::string> row, database_.get(Family::Tenants, name));
  if (!row) return std::nullopt;
  ATOLL_TRY(Tenant tenant, decodeTenant(name, *row));
  return tenant;
}

Result<std::vector<Tenant>> TenantStore::list() const {
  std::vector<Tenant> tenants;
  Result<> visited;
  ATOLL_TRY_VOID(database_.view()->scan(Family::Tenants, "", "",
                                        [&](std::string_view name, std::string_view row) {
                                          Result<Tenant> tenant = decodeTenant(name, row);
                                          if (!tenant) {
                                            visited = std::unexpected(std::move(tenant).error());
                                            return false;
                                          }
                                          tenants.push_back(*std::move(tenant));
                                          return true;
                                        }));
  if (!visited) return std::unexpected(std::move(visited).error());
  return tenants;
}

Result<bool> TenantStore::exists(const View& view, std::string_view name) {
  ATOLL_TRY(const std::optional<std::string> row, view.get(Family::Tenants, name));
  if (!row) return false;
  ATOLL_TRY(const Tenant tenant, decodeTenant(name, *row));
  return !tenant.isRemoving;
}

Result<> TenantStore::beginRemoval(std::string_view name) {
  if (name == kDefaultTenant) {
    return fail(ErrorCode::InvalidArgument, "the default tenant stays: it is the operator's own");
  }
  const auto decide = [&](const View& view) -> Result<Ops> {
    ATOLL_TRY(Tenant tenant, requireTenant(view, name));
    Ops ops;
    if (std::exchange(tenant.isRemoving, true)) return ops;
    ATOLL_TRY_VOID(TokenStore::stageRevokeAll(view, name, ops));
    stage(tenant, ops);
    stageAudit({.action = "tenant.remove", .subject = name}, ops);
    return ops;
  };
  ATOLL_TRY_VOID(database_.commit(decide));
  return {};
}

Result<bool> TenantStore::endRemoval(
    std::string_view name, const std::function<Result<bool>(const View& view)>& ownsNothing) {
  bool isEmpty = false;
  const auto decide = [&](const View& view) -> Result<Ops> {
    ATOLL_TRY(const Tenant tenant, requireTenant(view, name));
    ATOLL_TRY(isEmpty, ownsNothing(view));
    isEmpty = isEmpty && tenant.isRemoving;
    Ops ops;
    if (isEmpty) ops.push_back({Op::Kind::Delete, Family::Tenants, std::string(name), {}});
    stageAudit({.action = "tenant.gone", .subject = name}, ops);
    return ops;
  };
  ATOLL_TRY_VOID(database_.commit(decide));
  return isEmpty;
}

void TenantStore::stage(const Tenant& tenant, Ops& ops) {
  ops.push_back({Op::Kind::Put, Family::Tenants, tenant.name,
                 Encoder()
                     .u8(tenant.isRemoving ? kRemovingVersion : kVersion)
                     .i64(tenant.createdAt.time_since_epoch().count())
                     .take()});
}

}  // namespace atolld::store
