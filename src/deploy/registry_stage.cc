#include "deploy/registry_stage.h"

#include <format>
#include <set>

#include "base/encoding.h"
#include "deploy/asset_stage.h"
#include "store/audit_log.h"
#include "store/crypto.h"

namespace atolld::deploy {

using store::Family;
using store::Ops;
using store::View;

namespace {

/// Every script that a binding names is there; a script may call itself.
Result<> checkService(const View& view, const Version& version, const ServiceBinding& binding) {
  if (binding.service == version.script) return {};
  ATOLL_TRY(const std::optional<ScriptRow> row, findScript(view, version.tenant, binding.service));
  if (row) return {};
  return fail(ErrorCode::NotFound, std::format("binding {}: there is no script {}; deploy it first",
                                               binding.name, binding.service));
}

/// Every namespace and script that a binding names belongs to the tenant.
Result<> checkBound(const View& view, const Version& version) {
  for (const Binding& binding : version.bindings) {
    if (const auto* const service = std::get_if<ServiceBinding>(&binding)) {
      ATOLL_TRY_VOID(checkService(view, version, *service));
    }
    const auto* const kv = std::get_if<KvBinding>(&binding);
    if (!kv) continue;
    ATOLL_TRY(const std::optional<std::string> row,
              view.get(Family::KvNamespaces, namespaceKey(kv->namespaceId)));
    bool isOwn = false;
    if (row) {
      ATOLL_TRY(const KvNamespace found, decodeNamespace(kv->namespaceId, *row));
      isOwn = found.tenant == version.tenant;
    }
    if (!isOwn) {
      return fail(ErrorCode::NotFound,
                  std::format("binding {}: tenant {} has no KV namespace with id {}", kv->name,
                              version.tenant, kv->namespaceId));
    }
  }
  return {};
}

Result<bool> isReferenced(const View& view, std::string_view hash) {
  bool found = false;
  ATOLL_TRY_VOID(view.scan(Family::Modules, moduleReferencePrefix(hash), "",
                           [&](std::string_view, std::string_view) {
                             found = true;
                             return false;
                           }));
  return found;
}

/// The version's modules that are not stored yet, and its references to all of them.
Result<> stageModules(const View& view, const Version& version, Ops& ops) {
  const std::string owner = versionKey(version.tenant, version.script, version.id);
  std::set<std::string> staged;
  for (const Module& module : version.modules) {
    const std::string hash = rawHash(module);
    if (!staged.insert(hash).second) continue;  // Two names, one content.
    ATOLL_TRY(const bool isStored, isReferenced(view, hash));
    if (!isStored) {
      stagePut(ops, Family::Modules, moduleContentKey(hash), module.content.toString());
    }
    stagePut(ops, Family::Modules, moduleReferenceKey(hash, owner), {});
  }
  return {};
}

}  // namespace

std::string rawHash(const Module& module) { return parseHex(module.hash).value(); }

Result<std::optional<Manifest>> findNewest(const View& view, std::string_view tenant,
                                           std::string_view script, const ScriptRow& row) {
  if (!row.newestVersionId.empty()) {
    return findManifest(view, tenant, script, row.newestVersionId);
  }
  std::optional<Manifest> newest;
  const auto visit = [&](std::string_view id, std::string_view value) -> Result<> {
    ATOLL_TRY(Manifest manifest, decodeManifest(id, value));
    if (!newest || newest->version.number < manifest.version.number) newest = std::move(manifest);
    return {};
  };
  ATOLL_TRY_VOID(forEachRow(view, Family::Versions, scriptKey(tenant, script) + '\0', visit));
  return newest;
}

Result<VersionSummary> stageVersion(const View& view, Manifest manifest, ScriptRow& row, Ops& ops) {
  Version& version = manifest.version;
  ATOLL_TRY_VOID(checkBound(view, version));
  version.id = toHex(store::sha256(encodeContent(version, manifest.moduleBytes)));
  row.newestVersionId = version.id;
  ATOLL_TRY(const std::optional<Manifest> there,
            findManifest(view, version.tenant, version.script, version.id));
  if (there) return there->summary();
  version.number = ++row.versionNumber;
  ATOLL_TRY_VOID(stageModules(view, version, ops));
  stageAssetsReference(version, ops);
  stagePut(ops, Family::Versions, versionKey(version.tenant, version.script, version.id),
           encodeManifest(manifest));
  return manifest.summary();
}

Result<> requireVersions(const View& view, const Deployment& deployment) {
  for (const Deployment::Share& share : deployment.shares) {
    ATOLL_TRY(const std::optional<std::string> row,
              view.get(Family::Versions,
                       versionKey(deployment.tenant, deployment.script, share.versionId)));
    if (!row) {
      return fail(ErrorCode::NotFound,
                  std::format("script {} has no version {}", deployment.script, share.versionId));
    }
  }
  return {};
}

void stageAudit(std::string_view tenant, std::string_view action, const std::string& subject,
                Ops& ops) {
  store::stageAudit({.action = action, .subject = subject, .tenant = tenant}, ops);
}

std::string subjectOf(const Deployment& deployment) {
  std::string subject = deployment.script;
  for (const Deployment::Share& share : deployment.shares) {
    subject += std::format(" {} {} %", share.versionId, share.percent);
  }
  return subject;
}

void stageDeployment(Deployment& deployment, ScriptRow& row, Ops& ops) {
  deployment.number = ++row.deploymentNumber;
  stagePut(ops, Family::Scripts, scriptKey(deployment.tenant, deployment.script),
           encodeScript(row));
  stagePut(ops, Family::Deployments,
           deploymentKey(deployment.tenant, deployment.script, deployment.number),
           encodeDeployment(deployment));
}

}  // namespace atolld::deploy
