// The third of Registry that makes versions: uploads, and changes of secrets.
#include <algorithm>
#include <format>
#include <utility>

#include "deploy/asset_stage.h"
#include "deploy/registry.h"
#include "deploy/registry_rows.h"
#include "deploy/registry_stage.h"
#include "deploy/secrets.h"
#include "deploy/upload_check.h"

namespace atolld::deploy {
namespace {

using store::Family;
using store::Ops;
using store::View;

/// An upload that was checked, its secrets sealed, and the rest of what its version will be.
struct Candidate {
  Upload upload;
  Manifest manifest;  ///< Without bindings: they depend on what is there.
};
Result<Candidate> prepare(std::string_view tenant, std::string_view script, Upload upload,
                          const UploadLimits& limits, const store::ClusterKey* key,
                          UnixMillis now) {
  ATOLL_TRY_VOID(checkNames(tenant, script));
  ATOLL_TRY_VOID(canonicaliseUpload(upload, limits, now));
  Candidate made;
  for (const Module& module : upload.modules) {
    made.manifest.moduleBytes.push_back(module.content.size());
  }
  made.manifest.version = Version{.id = {},
                                  .tenant = std::string(tenant),
                                  .script = std::string(script),
                                  .number = 0,
                                  .mainModule = upload.mainModule,
                                  .modules = upload.modules,
                                  .bindings = std::move(upload.bindings),
                                  .compatibilityDate = upload.compatibilityDate,
                                  .compatibilityFlags = upload.compatibilityFlags,
                                  .createdAt = now,
                                  .message = upload.message,
                                  .tag = upload.tag};
  ATOLL_TRY_VOID(sealSecrets(key, made.manifest.version));
  upload.bindings = std::exchange(made.manifest.version.bindings, {});
  made.upload = std::move(upload);
  return made;
}

/// The script as it is and its newest version's bindings; a new script has none.
struct Before {
  ScriptRow row;
  std::vector<Binding> bindings;
  std::string assetsHash;
};
Result<Before> readBefore(const View& view, std::string_view tenant, std::string_view script,
                          UnixMillis now) {
  ATOLL_TRY(const std::optional<ScriptRow> row, findScript(view, tenant, script));
  if (!row) return Before{.row = {.createdAt = now}, .bindings = {}, .assetsHash = {}};
  ATOLL_TRY(std::optional<Manifest> newest, findNewest(view, tenant, script, *row));
  Before before{.row = *row, .bindings = {}, .assetsHash = {}};
  if (newest) {
    before.bindings = std::move(newest->version.bindings);
    before.assetsHash = newest->version.assetsHash;
  }
  return before;
}

/// The candidate with all its bindings and static files; what of the latter is new is staged.
Result<Manifest> settle(const View& view, const Candidate& candidate, const UploadLimits& limits,
                        const store::ClusterKey* key, const Before& before, Ops& ops) {
  Upload upload = candidate.upload;
  ATOLL_TRY_VOID(inheritBindings(upload, before.bindings));
  ATOLL_TRY_VOID(canonicaliseBindings(upload.bindings, limits));
  Manifest manifest = candidate.manifest;
  manifest.version.bindings = std::move(upload.bindings);
  reuseSealed(key, manifest.version, before.bindings);
  if (upload.assets) {
    ATOLL_TRY(manifest.version.assetsHash,
              stageAssets(view, manifest.version, *upload.assets, before.assetsHash, ops));
  }
  return manifest;
}

Deployment wholeDeployment(const VersionSummary& version, std::string_view tenant,
                           std::string_view script, UnixMillis now, std::string message) {
  return {.tenant = std::string(tenant),
          .script = std::string(script),
          .number = 0,
          .shares = {{.versionId = version.id, .percent = 100}},
          .createdAt = now,
          .message = std::move(message)};
}

/// The secrets that `changes` brings, sealed for their owner.
Result<std::vector<Binding>> sealChanges(std::string_view tenant, std::string_view script,
                                         const Registry::SecretChanges& changes,
                                         const UploadLimits& limits, const store::ClusterKey* key) {
  Version owner;
  owner.tenant = tenant;
  owner.script = script;
  for (const auto& [name, value] : changes) {
    if (value) owner.bindings.push_back(SecretBinding{name, {}, *value});
  }
  ATOLL_TRY_VOID(canonicaliseBindings(owner.bindings, limits));
  ATOLL_TRY_VOID(sealSecrets(key, owner));
  return std::move(owner.bindings);
}

/// Takes what `changes` names out of the newest version's bindings, and puts `sealed` in.
Result<> applyChanges(const Registry::SecretChanges& changes, const std::vector<Binding>& sealed,
                      std::vector<Binding>& bindings) {
  for (const auto& [name, value] : changes) {
    const auto found = std::ranges::find(bindings, name, bindingName);
    const bool isThere = found != bindings.end();
    if (isThere && !std::holds_alternative<SecretBinding>(*found)) {
      return fail(ErrorCode::AlreadyExists,
                  std::format("the binding name {} is already in use, by one of type {}", name,
                              bindingTypeName(*found)));
    }
    if (!value && !isThere) {
      return fail(ErrorCode::NotFound, std::format("there is no secret {}", name));
    }
    if (isThere) bindings.erase(found);
  }
  bindings.insert(bindings.end(), sealed.begin(), sealed.end());
  return {};
}

/// @error Aborted  another version than `id` answers, or beside it
Result<> requireDeployed(const View& view, std::string_view tenant, std::string_view script,
                         const ScriptRow& row, std::string_view id) {
  if (row.deploymentNumber != 0) {
    ATOLL_TRY(const std::optional<std::string> current,
              view.get(Family::Deployments, deploymentKey(tenant, script, row.deploymentNumber)));
    if (!current) return fail(ErrorCode::Corrupt, "a script's current deployment is missing");
    ATOLL_TRY(const Deployment deployment, decodeDeployment(*current));
    if (deployment.shares.size() == 1 && deployment.shares.front().versionId == id) return {};
  }
  return fail(ErrorCode::Aborted,
              "the newest version is not what answers: deploy it first, or change the secrets of a "
              "version that is not deployed");
}

}  // namespace

Result<VersionSummary> Registry::upload(std::string_view tenant, std::string_view script,
                                        Upload upload) {
  const UnixMillis now = clock_.now();
  ATOLL_TRY(const Candidate candidate,
            prepare(tenant, script, std::move(upload), limits_, key_, now));
  VersionSummary summary;
  const auto decide = [&](const View& view) -> Result<Ops> {
    ATOLL_TRY(Before before, readBefore(view, tenant, script, now));
    Ops ops;
    ATOLL_TRY(Manifest manifest, settle(view, candidate, limits_, key_, before, ops));
    const std::string newest = before.row.newestVersionId;
    ATOLL_TRY(summary, stageVersion(view, std::move(manifest), before.row, ops));
    if (newest != before.row.newestVersionId) {
      stagePut(ops, Family::Scripts, scriptKey(tenant, script), encodeScript(before.row));
    }
    stageAudit(tenant, "version.upload", std::format("{} {}", script, summary.id), ops);
    return ops;
  };
  ATOLL_TRY_VOID(database_.commit(decide));
  return summary;
}

Result<Registry::Deployed> Registry::deploy(std::string_view tenant, std::string_view script,
                                            Upload upload) {
  const UnixMillis now = clock_.now();
  ATOLL_TRY(const Candidate candidate,
            prepare(tenant, script, std::move(upload), limits_, key_, now));
  Deployed deployed;
  const auto decide = [&](const View& view) -> Result<Ops> {
    ATOLL_TRY(Before before, readBefore(view, tenant, script, now));
    Ops ops;
    ATOLL_TRY(Manifest manifest, settle(view, candidate, limits_, key_, before, ops));
    ATOLL_TRY(deployed.version, stageVersion(view, std::move(manifest), before.row, ops));
    deployed.deployment =
        wholeDeployment(deployed.version, tenant, script, now, candidate.upload.message);
    stageDeployment(deployed.deployment, before.row, ops);
    stageAudit(tenant, "script.deploy", subjectOf(deployed.deployment), ops);
    return ops;
  };
  ATOLL_TRY_VOID(database_.commit(decide));
  return deployed;
}

Result<std::vector<Binding>> Registry::bindingsOf(std::string_view tenant, std::string_view script,
                                                  Upload upload) const {
  ATOLL_TRY_VOID(checkNames(tenant, script));
  ATOLL_TRY(const Before before, readBefore(*database_.view(), tenant, script, clock_.now()));
  Version owner;
  owner.tenant = tenant;
  owner.script = script;
  ATOLL_TRY_VOID(inheritBindings(upload, before.bindings));
  owner.bindings = std::move(upload.bindings);
  ATOLL_TRY_VOID(openSecrets(key_, owner));
  return std::move(owner.bindings);
}

Result<VersionSummary> Registry::changeSecrets(std::string_view tenant, std::string_view script,
                                               const SecretChanges& changes, bool isDeployed,
                                               std::string message) {
  ATOLL_TRY_VOID(checkNames(tenant, script));
  ATOLL_TRY_VOID(checkNote("message", message));
  ATOLL_TRY(const std::vector<Binding> sealed, sealChanges(tenant, script, changes, limits_, key_));
  const UnixMillis now = clock_.now();
  VersionSummary summary;
  const auto decide = [&](const View& view) -> Result<Ops> {
    ATOLL_TRY(ScriptRow row, requireScript(view, tenant, script));
    ATOLL_TRY(std::optional<Manifest> newest, findNewest(view, tenant, script, row));
    if (!newest) return fail(ErrorCode::Corrupt, "a script's newest version is missing");
    if (isDeployed) {
      ATOLL_TRY_VOID(requireDeployed(view, tenant, script, row, newest->version.id));
    }
    Version& version = newest->version;
    const std::vector<Binding> before = version.bindings;
    ATOLL_TRY_VOID(applyChanges(changes, sealed, version.bindings));
    ATOLL_TRY_VOID(canonicaliseBindings(version.bindings, limits_));
    reuseSealed(key_, version, before);
    version.createdAt = now;
    version.message = message;
    version.tag.clear();
    Ops ops;
    const std::string newestId = row.newestVersionId;
    ATOLL_TRY(summary, stageVersion(view, *std::move(newest), row, ops));
    if (newestId == row.newestVersionId) return Ops();  // The values are what they were.
    if (isDeployed) {
      Deployment deployment = wholeDeployment(summary, tenant, script, now, message);
      stageDeployment(deployment, row, ops);
    } else {
      stagePut(ops, Family::Scripts, scriptKey(tenant, script), encodeScript(row));
    }
    std::string subject(script);
    for (const auto& [name, value] : changes) subject += (value ? " " : " -") + name;
    stageAudit(tenant, "secret.change", subject, ops);
    return ops;
  };
  ATOLL_TRY_VOID(database_.commit(decide));
  return summary;
}

}  // namespace atolld::deploy
