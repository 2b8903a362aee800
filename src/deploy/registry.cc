#include "deploy/registry.h"

#include <algorithm>
#include <cmath>
#include <format>
#include <set>

#include "base/encoding.h"
#include "deploy/asset_rows.h"
#include "deploy/asset_stage.h"
#include "deploy/registry_rows.h"
#include "deploy/registry_stage.h"
#include "deploy/secrets.h"
#include "deploy/upload_check.h"
#include "store/crypto.h"

namespace atolld::deploy {
namespace {

using store::Family;
using store::Ops;
using store::View;

constexpr std::size_t kShareCountMax = 10;

/// Deletes the references of `owners` to `hashes`, and each content that nobody else refers to.
Result<> stageForgetModules(const View& view, const std::set<std::string>& owners,
                            const std::set<std::string>& hashes, Ops& ops) {
  for (const std::string& hash : hashes) {
    bool isUsedElsewhere = false;
    ATOLL_TRY_VOID(forEachRow(view, Family::Modules, moduleReferencePrefix(hash),
                              [&](std::string_view owner, std::string_view) -> Result<> {
                                if (owners.contains(std::string(owner))) {
                                  stageDelete(ops, Family::Modules,
                                              moduleReferenceKey(hash, owner));
                                } else {
                                  isUsedElsewhere = true;
                                }
                                return {};
                              }));
    if (!isUsedElsewhere) stageDelete(ops, Family::Modules, moduleContentKey(hash));
  }
  return {};
}

Result<> checkShares(const std::vector<Deployment::Share>& shares) {
  if (shares.empty() || shares.size() > kShareCountMax) {
    return fail(ErrorCode::InvalidArgument,
                std::format("a deployment has {} versions: 1 to {} are allowed", shares.size(),
                            kShareCountMax));
  }
  double total = 0;
  std::set<std::string_view> ids;
  for (const Deployment::Share& share : shares) {
    if (!(share.percent >= 0 && share.percent <= 100)) {  // NaN too.
      return fail(ErrorCode::InvalidArgument,
                  std::format("version {} has {} percent: 0 to 100 are allowed", share.versionId,
                              share.percent));
    }
    if (!ids.insert(share.versionId).second) {
      return fail(ErrorCode::InvalidArgument,
                  std::format("version {} is there twice", share.versionId));
    }
    total += share.percent;
  }
  if (std::abs(total - 100) > 1e-6) {
    return fail(ErrorCode::InvalidArgument,
                std::format("the versions' percents add up to {}: they must to 100", total));
  }
  return {};
}

Result<std::vector<Deployment>> deploymentsOf(const View& view, std::string_view tenant,
                                              std::string_view script) {
  std::vector<Deployment> deployments;
  const auto visitDeployment = [&](std::string_view, std::string_view row) -> Result<> {
    ATOLL_TRY(Deployment deployment, decodeDeployment(row));
    deployments.push_back(std::move(deployment));
    return {};
  };
  ATOLL_TRY_VOID(
      forEachRow(view, Family::Deployments, scriptKey(tenant, script) + '\0', visitDeployment));
  std::ranges::reverse(deployments);
  return deployments;
}

bool isSameSplit(const Deployment& a, const Deployment& b) {
  return std::ranges::equal(a.shares, b.shares, [](const auto& x, const auto& y) {
    return x.versionId == y.versionId && x.percent == y.percent;
  });
}

/// The shares of the newest deployment that differs from the current one.
Result<std::vector<Deployment::Share>> sharesBefore(const View& view, std::string_view tenant,
                                                    std::string_view script) {
  ATOLL_TRY(const std::vector<Deployment> history, deploymentsOf(view, tenant, script));
  for (const Deployment& earlier : history) {
    if (!isSameSplit(earlier, history.front())) return earlier.shares;
  }
  return fail(ErrorCode::NotFound,
              std::format("script {} has no earlier deployment to roll back to", script));
}

/// Rows that are in memory; everything else is an error.
class MemoryView final : public View {
 public:
  explicit MemoryView(const store::Database& database) : database_(database) {}

  Result<std::optional<std::string>> get(Family family, std::string_view key) const override {
    auto found = database_.tryGet(family, key);
    return found ? *std::move(found) : std::unexpected(notHere());
  }
  Result<> scan(
      Family, std::string_view, std::string_view,
      const std::function<bool(std::string_view key, std::string_view value)>&) const override {
    return std::unexpected(notHere());
  }
  Result<std::uint64_t> index() const override { return std::unexpected(notHere()); }

 private:
  static Error notHere() { return {ErrorCode::Unavailable, "is not in memory"}; }

  const store::Database& database_;
};

Result<> loadModule(const View& view, Module& module) {
  ATOLL_TRY(std::optional<std::string> content,
            view.get(Family::Modules, moduleContentKey(rawHash(module))));
  if (!content || toHex(store::sha256(*content)) != module.hash) {
    return fail(ErrorCode::Corrupt, std::format("module {} is {} in the store", module.name,
                                                content ? "not what its hash says" : "missing"));
  }
  module.content = Bytes(*std::move(content));
  return {};
}

}  // namespace

Registry::Registry(store::Database& database, const Clock& clock, UploadLimits limits,
                   const store::ClusterKey* key)
    : database_(database), clock_(clock), limits_(limits), key_(key) {}

Result<Deployment> Registry::activate(std::string_view tenant, std::string_view script,
                                      std::vector<Deployment::Share> shares, std::string message) {
  ATOLL_TRY_VOID(checkNames(tenant, script));
  ATOLL_TRY_VOID(checkShares(shares));
  ATOLL_TRY_VOID(checkNote("message", message));
  Deployment deployment{.tenant = std::string(tenant),
                        .script = std::string(script),
                        .number = 0,
                        .shares = std::move(shares),
                        .createdAt = clock_.now(),
                        .message = std::move(message)};
  const auto decide = [&](const View& view) -> Result<Ops> {
    Ops ops;
    ATOLL_TRY(ScriptRow row, requireScript(view, tenant, script));
    ATOLL_TRY_VOID(requireVersions(view, deployment));
    stageDeployment(deployment, row, ops);
    stageAudit(tenant, "deployment.create", subjectOf(deployment), ops);
    return ops;
  };
  ATOLL_TRY_VOID(database_.commit(decide));
  return deployment;
}

Result<Deployment> Registry::rollback(std::string_view tenant, std::string_view script,
                                      std::optional<std::string> versionId, std::string message) {
  if (versionId) {
    return activate(tenant, script, {{.versionId = *std::move(versionId), .percent = 100}},
                    std::move(message));
  }
  ATOLL_TRY_VOID(checkNames(tenant, script));
  ATOLL_TRY_VOID(checkNote("message", message));
  Deployment deployment{.tenant = std::string(tenant),
                        .script = std::string(script),
                        .number = 0,
                        .shares = {},
                        .createdAt = clock_.now(),
                        .message = std::move(message)};
  const auto decide = [&](const View& view) -> Result<Ops> {
    ATOLL_TRY(ScriptRow row, requireScript(view, tenant, script));
    ATOLL_TRY(deployment.shares, sharesBefore(view, tenant, script));
    ATOLL_TRY_VOID(requireVersions(view, deployment));
    Ops ops;
    stageDeployment(deployment, row, ops);
    stageAudit(tenant, "deployment.rollback", subjectOf(deployment), ops);
    return ops;
  };
  ATOLL_TRY_VOID(database_.commit(decide));
  return deployment;
}

Result<> Registry::remove(std::string_view tenant, std::string_view script) {
  ATOLL_TRY_VOID(checkNames(tenant, script));
  const auto decide = [&](const View& view) -> Result<Ops> {
    ATOLL_TRY_VOID(requireScript(view, tenant, script));
    Ops ops;
    const std::string key = scriptKey(tenant, script);
    const std::string rows = key + '\0';
    std::set<std::string> versionKeys;
    std::set<std::string> hashes;
    std::set<std::string> listings;
    const auto visitVersion = [&](std::string_view id, std::string_view row) -> Result<> {
      ATOLL_TRY(const Manifest manifest, decodeManifest(id, row));
      for (const Module& module : manifest.version.modules) {
        hashes.insert(rawHash(module));
      }
      if (!manifest.version.assetsHash.empty()) listings.insert(manifest.version.assetsHash);
      versionKeys.insert(rows + std::string(id));
      stageDelete(ops, Family::Versions, rows + std::string(id));
      return {};
    };
    ATOLL_TRY_VOID(forEachRow(view, Family::Versions, rows, visitVersion));
    ATOLL_TRY_VOID(stageForgetModules(view, versionKeys, hashes, ops));
    ATOLL_TRY_VOID(stageForgetAssets(view, versionKeys, listings, ops));
    ATOLL_TRY_VOID(forEachRow(view, Family::Deployments, rows,
                              [&](std::string_view number, std::string_view) -> Result<> {
                                stageDelete(ops, Family::Deployments, rows + std::string(number));
                                return {};
                              }));
    ATOLL_TRY_VOID(forEachRow(view, Family::Routes, tenantRouteKey(tenant, ""),
                              [&](std::string_view pattern, std::string_view owner) -> Result<> {
                                if (owner != script) return {};
                                stageDelete(ops, Family::Routes, routeKey(pattern));
                                stageDelete(ops, Family::Routes, tenantRouteKey(tenant, pattern));
                                return {};
                              }));
    stageDelete(ops, Family::Scripts, key);
    stageAudit(tenant, "script.delete", std::string(script), ops);
    return ops;
  };
  ATOLL_TRY_VOID(database_.commit(decide));
  return {};
}

Result<std::vector<std::string>> Registry::scripts(std::string_view tenant) const {
  ATOLL_TRY_VOID(store::checkName("tenant name", tenant));
  std::vector<std::string> names;
  ATOLL_TRY_VOID(forEachRow(*database_.view(), Family::Scripts, scriptKey(tenant, ""),
                            [&](std::string_view name, std::string_view) -> Result<> {
                              names.emplace_back(name);
                              return {};
                            }));
  return names;
}

Result<std::vector<VersionSummary>> Registry::versions(std::string_view tenant,
                                                       std::string_view script) const {
  ATOLL_TRY_VOID(checkNames(tenant, script));
  std::vector<VersionSummary> versions;
  const auto visitVersion = [&](std::string_view id, std::string_view row) -> Result<> {
    ATOLL_TRY(const Manifest manifest, decodeManifest(id, row));
    versions.push_back(manifest.summary());
    return {};
  };
  ATOLL_TRY_VOID(forEachRow(*database_.view(), Family::Versions, scriptKey(tenant, script) + '\0',
                            visitVersion));
  std::ranges::sort(versions, std::ranges::greater(), &VersionSummary::number);
  return versions;
}

Result<std::vector<Deployment>> Registry::deployments(std::string_view tenant,
                                                      std::string_view script) const {
  ATOLL_TRY_VOID(checkNames(tenant, script));
  return deploymentsOf(*database_.view(), tenant, script);
}

Result<std::optional<Deployment>> Registry::deployment(std::string_view tenant,
                                                       std::string_view script) const {
  ATOLL_TRY_VOID(checkNames(tenant, script));
  const std::unique_ptr<View> view = database_.view();
  ATOLL_TRY(const std::optional<ScriptRow> row, findScript(*view, tenant, script));
  if (!row || row->deploymentNumber == 0) return std::nullopt;
  ATOLL_TRY(const std::optional<std::string> current,
            view->get(Family::Deployments, deploymentKey(tenant, script, row->deploymentNumber)));
  if (!current) return fail(ErrorCode::Corrupt, "a script's current deployment is missing");
  ATOLL_TRY(Deployment deployment, decodeDeployment(*current));
  return deployment;
}

Result<Version> Registry::describe(std::string_view tenant, std::string_view script,
                                   std::string_view versionId) const {
  constexpr std::size_t kIdCharactersMin = 32;
  ATOLL_TRY_VOID(checkNames(tenant, script));
  const std::unique_ptr<View> view = database_.view();
  ATOLL_TRY(const ScriptRow row, requireScript(*view, tenant, script));
  std::optional<Manifest> found;
  if (versionId.empty()) {
    ATOLL_TRY(found, findNewest(*view, tenant, script, row));
  } else if (versionId.size() >= kIdCharactersMin) {
    const std::string prefix = versionKey(tenant, script, versionId);
    const auto visit = [&](std::string_view rest, std::string_view value) -> Result<> {
      if (found) return fail(ErrorCode::NotFound, "that is the beginning of several versions' ids");
      ATOLL_TRY(found, decodeManifest(std::string(versionId) + std::string(rest), value));
      return {};
    };
    ATOLL_TRY_VOID(forEachRow(*view, Family::Versions, prefix, visit));
  }
  if (found) return std::move(found->version);
  return fail(ErrorCode::NotFound, std::format("script {} has no version {}", script, versionId));
}

Result<std::shared_ptr<const Version>> Registry::version(std::string_view tenant,
                                                         std::string_view script,
                                                         std::string_view versionId) const {
  ATOLL_TRY_VOID(checkNames(tenant, script));
  const std::unique_ptr<View> view = database_.view();
  ATOLL_TRY(std::optional<Manifest> manifest, findManifest(*view, tenant, script, versionId));
  if (!manifest) {
    return fail(ErrorCode::NotFound, std::format("script {} has no version {}", script, versionId));
  }
  return complete(*view, *std::move(manifest));
}

std::shared_ptr<const Version> Registry::tryVersion(std::string_view tenant,
                                                    std::string_view script,
                                                    std::string_view versionId) const {
  constexpr std::uint64_t kBytesMax = 64 * 1024;  // Its hash is checked: that takes time, too.
  const MemoryView view(database_);
  auto manifest = findManifest(view, tenant, script, versionId);
  if (!manifest || !*manifest || !(*manifest)->version.assetsHash.empty()) return nullptr;
  if ((*manifest)->summary().sizeBytes > kBytesMax) return nullptr;
  return complete(view, *std::move(*manifest)).value_or(nullptr);
}

Result<Bytes> Registry::moduleContent(const Module& module) const {
  Module loaded = module;
  ATOLL_TRY_VOID(loadModule(*database_.view(), loaded));
  return std::move(loaded.content);
}

Result<std::shared_ptr<const Version>> Registry::complete(const View& view,
                                                          Manifest manifest) const {
  takeSourceMaps(manifest.version);
  for (Module& module : manifest.version.modules) ATOLL_TRY_VOID(loadModule(view, module));
  ATOLL_TRY_VOID(openSecrets(key_, manifest.version));
  if (!manifest.version.assetsHash.empty()) {
    ATOLL_TRY(assets::Site site, loadSite(view, manifest.version.assetsHash));
    manifest.version.assets = std::make_shared<const assets::Site>(std::move(site));
  }
  return std::make_shared<const Version>(std::move(manifest.version));
}

namespace {

/// What answers for a script, by its row; nothing while it has no deployment.
Result<std::optional<Deployment>> currentDeployment(const View& view, const ScriptName& name,
                                                    std::string_view row) {
  ATOLL_TRY(const ScriptRow script, decodeScript(row));
  if (script.deploymentNumber == 0) return std::nullopt;
  ATOLL_TRY(const std::optional<std::string> current,
            view.get(Family::Deployments,
                     deploymentKey(name.tenant, name.script, script.deploymentNumber)));
  if (!current) return fail(ErrorCode::Corrupt, "a script's current deployment is missing");
  return decodeDeployment(*current);
}

}  // namespace

Result<Registry::Listing> Registry::list() const {
  const std::unique_ptr<View> view = database_.view();
  Listing listing;
  ATOLL_TRY(listing.logIndex, view->index());
  const auto visitScript = [&](std::string_view key, std::string_view row) -> Result<> {
    ATOLL_TRY(const ScriptName name, parseScriptKey(key));
    ATOLL_TRY(std::optional<Deployment> deployment, currentDeployment(*view, name, row));
    if (deployment) listing.deployments.push_back(*std::move(deployment));
    return {};
  };
  ATOLL_TRY_VOID(forEachRow(*view, Family::Scripts, "", visitScript));
  const auto visitRoute = [&](std::string_view pattern, std::string_view row) -> Result<> {
    ATOLL_TRY(Route route, decodeRoute(pattern, row));
    listing.routes.push_back(std::move(route));
    return {};
  };
  ATOLL_TRY_VOID(forEachRow(*view, Family::Routes, routeKey(""), visitRoute));
  return listing;
}

Result<Registry::Delta> Registry::listChanged(const store::Changes& changes) const {
  const std::unique_ptr<View> view = database_.view();
  Delta delta;
  ATOLL_TRY(delta.logIndex, view->index());
  for (const auto& [family, key] : changes.keys) {
    const std::string prefix = routeKey("");
    const bool isRoute = family == Family::Routes && key.starts_with(prefix);
    if (!isRoute && family != Family::Scripts) continue;
    ATOLL_TRY(const std::optional<std::string> row, view->get(family, key));
    if (isRoute) {
      Delta::Pattern changed{.pattern = key.substr(prefix.size()), .route = {}};
      if (row) {
        ATOLL_TRY(changed.route, decodeRoute(changed.pattern, *row));
      }
      delta.routes.push_back(std::move(changed));
    } else {
      ATOLL_TRY(const ScriptName name, parseScriptKey(key));
      Delta::Script changed{
          .tenant = std::string(name.tenant), .script = std::string(name.script), .deployment = {}};
      if (row) {
        ATOLL_TRY(changed.deployment, currentDeployment(*view, name, *row));
      }
      delta.scripts.push_back(std::move(changed));
    }
  }
  return delta;
}

}  // namespace atolld::deploy
