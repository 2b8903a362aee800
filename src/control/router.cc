#include "control/router.h"

#include <algorithm>

#include "base/encoding.h"

namespace atolld::control {
namespace {

// Takes the next segment off a path ("/a/b" gives "a", leaves "/b").
std::string_view takeSegment(std::string_view& path) {
  path.remove_prefix(1);
  const std::string_view segment = path.substr(0, path.find('/'));
  path.remove_prefix(segment.size());
  return segment;
}

bool matches(std::string_view pattern, std::string_view path,
             std::vector<std::string_view>& parameters) {
  parameters.clear();
  while (!pattern.empty() && path.starts_with('/')) {
    const std::string_view wanted = takeSegment(pattern);
    const std::string_view segment = takeSegment(path);
    if (wanted.starts_with(':') && !segment.empty()) {
      parameters.push_back(segment);
    } else if (wanted != segment) {
      return false;
    }
  }
  return pattern.empty() && path.empty();
}

}  // namespace

std::variant<Router::Match, Router::NoPath, Router::NoMethod, Router::BadPath> Router::find(
    std::string_view method, std::string_view path) const {
  std::vector<std::string_view> raw;
  std::string allow;
  for (const std::span<const Route> group : routes_) {
    for (const Route& route : group) {
      if (!matches(route.pattern, path, raw)) continue;
      if (route.method != method) {
        allow += (allow.empty() ? "" : ", ") + std::string(route.method);
        continue;
      }
      Match match{.route = &route, .parameters = {}};
      for (const std::string_view parameter : raw) {
        const auto decoded = percentDecode(parameter);
        if (!decoded) return BadPath{};
        match.parameters.push_back(*decoded);
      }
      return match;
    }
  }
  if (allow.empty()) return NoPath{};
  return NoMethod{allow};
}

}  // namespace atolld::control
