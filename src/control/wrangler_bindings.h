#pragma once

#include "control/json.h"
#include "deploy/deployment.h"

namespace atolld::control::wrangler {

/// A version's bindings as Cloudflare's API lists them; of secrets, the names.
Json bindingsJson(const deploy::Version& version);

}  // namespace atolld::control::wrangler
