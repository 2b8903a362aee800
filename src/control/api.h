#pragma once

#include <span>
#include <vector>

#include "control/router.h"

namespace atolld::control {

/// The endpoints of /api/v1, by subject. README.md describes each.
std::span<const Route> nodeRoutes();
std::span<const Route> scriptRoutes();
std::span<const Route> routeRoutes();
std::span<const Route> kvRoutes();
std::span<const Route> tokenRoutes();
std::span<const Route> tenantRoutes();
std::span<const Route> auditRoutes();
std::span<const Route> secretRoutes();
std::span<const Route> fleetRoutes();
std::span<const Route> assetRoutes();
std::span<const Route> tailRoutes();

/// Those of /client/v4, which wrangler speaks.
std::span<const Route> wranglerAccountRoutes();
std::span<const Route> wranglerScriptRoutes();
std::span<const Route> wranglerVersionRoutes();
std::span<const Route> wranglerKvRoutes();
std::span<const Route> wranglerAssetRoutes();

inline std::vector<std::span<const Route>> apiRoutes() {
  return {nodeRoutes(),           scriptRoutes(),
          routeRoutes(),          kvRoutes(),
          tokenRoutes(),          wranglerAccountRoutes(),
          wranglerScriptRoutes(), wranglerVersionRoutes(),
          wranglerKvRoutes(),     secretRoutes(),
          fleetRoutes(),          assetRoutes(),
          wranglerAssetRoutes(),  tailRoutes(),
          tenantRoutes(),         auditRoutes()};
}

}  // namespace atolld::control
