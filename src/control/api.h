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

inline std::vector<std::span<const Route>> apiRoutes() {
  return {nodeRoutes(), scriptRoutes(), routeRoutes(), kvRoutes(), tokenRoutes()};
}

}  // namespace atolld::control
