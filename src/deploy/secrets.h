#pragma once

#include <vector>

#include "base/result.h"
#include "deploy/deployment.h"
#include "deploy/registry.h"
#include "store/cluster_key.h"

/// Secrets between their three places: an upload (plain), rows (sealed), a loaded version (both).
namespace atolld::deploy {

/// Seals each secret of `version` that is not. @error Unavailable  no key
Result<> sealSecrets(const store::ClusterKey* key, Version& version);
/// A secret that has the value it has in `before` gets its sealed text from there, so that the same
/// upload is the same version.
void reuseSealed(const store::ClusterKey* key, Version& version,
                 const std::vector<Binding>& before);
/// Fills in every secret's value. @error Unavailable, Corrupt
Result<> openSecrets(const store::ClusterKey* key, Version& version);

/// Adds to `upload`'s bindings what it inherits from `before`, the newest version's.
/// @error NotFound  an inherited binding that is not there
Result<> inheritBindings(Upload& upload, const std::vector<Binding>& before);

}  // namespace atolld::deploy
