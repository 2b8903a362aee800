#include <algorithm>
#include <format>
#include <ranges>

#include "base/encoding.h"
#include "deploy/registry.h"

namespace atolld::deploy {
namespace {

constexpr std::size_t kHostBytesMax = 253;
constexpr std::size_t kLabelBytesMax = 63;
constexpr std::size_t kPathBytesMax = 1024;

constexpr bool isLabelCharacter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

std::unexpected<Error> wrong(std::string_view pattern, std::string_view why) {
  // Only what a terminal shows as it is; a pattern is at most a host and a path long.
  const bool isPrintable =
      std::ranges::all_of(pattern, [](char c) { return c >= ' ' && c < '\x7f'; });
  return fail(ErrorCode::InvalidArgument,
              std::format("route \"{}\": {}", isPrintable ? pattern.substr(0, 200) : "…", why));
}

/// Why this is no hostname; nothing if it is. `host` is lower-case.
std::string_view hostFault(std::string_view host) {
  if (host.empty()) return "it names no host";
  if (host.size() > kHostBytesMax) return "the host is longer than 253 bytes";
  if (host.contains(':') || host.contains('[')) {
    return "a port or an IPv6 address is not matched: give the hostname alone";
  }
  if (host.contains('*'))
    return "'*' in the host is allowed only as its whole first label (\"*.\")";
  for (const auto part : std::views::split(host, '.')) {
    const std::string_view label(part.begin(), part.end());
    if (label.empty()) return "the host has an empty label";
    if (label.size() > kLabelBytesMax) return "a label of the host is longer than 63 bytes";
    if (!std::ranges::all_of(label, isLabelCharacter)) {
      return "the host may have letters, digits, '-', '_' and '.'; write other letters as "
             "punycode (xn--…)";
    }
    if (label.front() == '-' || label.back() == '-') {
      return "a label of the host starts or ends with '-'";
    }
  }
  return {};
}

std::string_view pathFault(std::string_view path) {
  if (path.size() > kPathBytesMax) return "the path is longer than 1024 bytes";
  if (path.find('*') < path.size() - 1) return "'*' in the path is allowed only at its end";
  if (path.contains('?') || path.contains('#')) return "a query or fragment is not matched";
  const bool isVisible = std::ranges::all_of(path, [](char c) { return c > ' ' && c < '\x7f'; });
  if (!isVisible)
    return "the path has a blank, a control or a non-ASCII character: percent-encode it";
  return {};
}

}  // namespace

Result<std::string> canonicalRoutePattern(std::string_view pattern) {
  std::string_view rest = pattern;
  for (const std::string_view scheme : {"https://", "http://"}) {
    if (equalsIgnoringCase(rest.substr(0, scheme.size()), scheme)) {
      rest.remove_prefix(scheme.size());
      break;
    }
  }
  const std::size_t slash = std::min(rest.find('/'), rest.size());
  std::string host = toLowerAscii(rest.substr(0, slash));
  std::string_view path = rest.substr(slash);

  const bool isWildcard = host.starts_with("*.");
  std::string name = isWildcard ? host.substr(2) : host;
  if (name.ends_with('.')) name.pop_back();  // The root's dot: the same host.
  if (const std::string_view fault = hostFault(name); !fault.empty()) return wrong(pattern, fault);
  if (!path.empty()) {
    if (const std::string_view fault = pathFault(path); !fault.empty()) {
      return wrong(pattern, fault);
    }
  }
  if (path == "/*") path = {};  // Matches every path, as no path does.
  return (isWildcard ? "*." : "") + name + std::string(path);
}

}  // namespace atolld::deploy
