#include "assets/header_rules.h"

#include <algorithm>
#include <array>

#include "assets/lines.h"
#include "assets/path_pattern.h"
#include "base/encoding.h"

namespace atolld::assets {
namespace {

constexpr std::size_t kRuleCountMax = 100;
constexpr std::size_t kLineBytesMax = 2000;

bool isToken(std::string_view name) {
  constexpr std::string_view kOthers = "!#$%&'*+-.^_`|~";
  return !name.empty() && std::ranges::all_of(name, [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || kOthers.contains(c);
  });
}

bool isValue(std::string_view value) {
  return std::ranges::none_of(value, [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte < 0x20 && c != '\t') || byte == 0x7f;
  });
}

// What the node says of a body itself.
bool isOurs(std::string_view name) {
  constexpr std::array<std::string_view, 8> kOurs{
      "content-length",   "transfer-encoding", "connection", "content-range",
      "content-encoding", "keep-alive",        "upgrade",    "te"};
  return std::ranges::contains(kOurs, name) || name.starts_with("atoll-");
}

bool isPattern(std::string_view line) {
  return line.starts_with('/') || line.starts_with("https://") || line.starts_with("http://");
}

struct Place {
  std::string host, path;
};
// "/path", or "https://host/path".
Result<Place> readPlace(std::string_view line) {
  Place place;
  if (!line.starts_with('/')) {
    line.remove_prefix(line.find("://") + 3);
    place.host = toLowerAscii(line.substr(0, line.find('/')));
    line.remove_prefix(place.host.size());
    ATOLL_TRY_VOID(checkPattern(place.host));
  }
  place.path = line.empty() ? "/" : line;
  ATOLL_TRY_VOID(checkPattern(place.path));
  return place;
}

// "Name: value" or "! Name".
Result<> readChange(std::string_view content, HeaderRules::Changes& changes) {
  if (content.front() == '!') {
    changes.unset.push_back(toLowerAscii(trimmed(content.substr(1))));
    return {};
  }
  const std::size_t colon = content.find(':');
  const std::string name = toLowerAscii(trimmed(content.substr(0, colon)));
  if (colon == content.npos || !isToken(name)) {
    return fail(ErrorCode::InvalidArgument, "is no \"Name: value\"");
  }
  if (isOurs(name)) {
    return fail(ErrorCode::InvalidArgument, name + " is the node's to say: take it out");
  }
  const std::string_view value = trimmed(content.substr(colon + 1));
  if (!isValue(value)) return fail(ErrorCode::InvalidArgument, "the value is no header's");
  changes.set.emplace_back(name, value);
  return {};
}

}  // namespace

Result<HeaderRules> HeaderRules::parse(std::string_view text) {
  HeaderRules made;
  const auto take = [&made](std::string_view content) -> Result<> {
    if (isPattern(content)) {
      Place place;
      ATOLL_TRY(place, readPlace(content));
      made.rules_.push_back({std::move(place.host), std::move(place.path), {}});
      return {};
    }
    if (made.rules_.empty()) {
      return fail(ErrorCode::InvalidArgument, "a path comes first, as \"/*\"");
    }
    return readChange(content, made.rules_.back().changes);
  };
  ATOLL_TRY_VOID(forEachRule("_headers", text, kLineBytesMax, take));
  if (made.rules_.size() > kRuleCountMax) {
    return fail(ErrorCode::TooLarge,
                "_headers: at most " + std::to_string(kRuleCountMax) + " paths are allowed");
  }
  return made;
}

HeaderRules::Changes HeaderRules::find(std::string_view host, std::string_view path) const {
  Changes all;
  for (const Rule& rule : rules_) {
    Captures captures;
    if (!rule.host.empty() && !matchesPattern(rule.host, host, &captures, "./")) continue;
    if (!matchesPattern(rule.path, path, &captures)) continue;
    all.unset.insert(all.unset.end(), rule.changes.unset.begin(), rule.changes.unset.end());
    for (const auto& [name, text] : rule.changes.set) {
      const std::string value = fillIn(text, captures);
      const auto there =
          std::ranges::find(all.set, name, &std::pair<std::string, std::string>::first);
      if (there == all.set.end()) {
        all.set.emplace_back(name, value);
      } else {
        there->second += ", " + value;
      }
    }
  }
  return all;
}

}  // namespace atolld::assets
