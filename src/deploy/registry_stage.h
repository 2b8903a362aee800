#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "deploy/registry_rows.h"

/// What the operations of Registry write: rows of a proposal, staged for its one log entry.
namespace atolld::deploy {

/// The raw hash of a module's content.
std::string rawHash(const Module& module);

/// The version that was uploaded last.
Result<std::optional<Manifest>> findNewest(const store::View& view, std::string_view tenant,
                                           std::string_view script, const ScriptRow& row);

/// Stages the rows of `manifest`'s version and makes it `row`'s newest; nothing but the latter if
/// it is there already. Sets its id and, from `row`, its number. `row` itself is not staged.
/// @error NotFound  a KV namespace or script that is not the tenant's
Result<VersionSummary> stageVersion(const store::View& view, Manifest manifest, ScriptRow& row,
                                    store::Ops& ops);

/// Says in the audit log what is done to one of a tenant's things.
void stageAudit(std::string_view tenant, std::string_view action, const std::string& subject,
                store::Ops& ops);

/// "script version 3f2a… 90 %, …": what a deployment is.
std::string subjectOf(const Deployment& deployment);

/// @error NotFound  a version that `deployment` names is not there
Result<> requireVersions(const store::View& view, const Deployment& deployment);

/// Numbers `deployment` after the script's last and stages it as the current one, with `row`.
void stageDeployment(Deployment& deployment, ScriptRow& row, store::Ops& ops);

}  // namespace atolld::deploy
