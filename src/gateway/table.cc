#include "gateway/table.h"

#include <algorithm>
#include <array>
#include <optional>

#include "base/check.h"
#include "base/encoding.h"

namespace atolld::gateway {
namespace {

// RFC 1035's 255 octets on the wire are 253 characters; the root's dot may follow.
constexpr std::size_t kHostBytesMax = 253;

const DeploymentRef kNothing;

constexpr std::array<bool, 256> makeHostCharacters() {
  std::array<bool, 256> characters{};
  for (const char c : std::string_view("abcdefghijklmnopqrstuvwxyz0123456789-._")) {
    characters[static_cast<unsigned char>(c)] = true;
  }
  return characters;
}
constexpr std::array<bool, 256> kHostCharacters = makeHostCharacters();

bool isAddressCharacter(char c) {
  return (c >= 'a' && c <= 'f') || (c >= '0' && c <= '9') || c == ':' || c == '.';
}

bool allDigits(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// "[::1]:8080" -> "[::1]"; nothing unless it is well-formed.
std::optional<std::string_view> bracketedHost(std::string_view host) {
  const std::size_t close = host.find(']');
  if (close == std::string_view::npos || close < 3) return std::nullopt;
  const std::string_view rest = host.substr(close + 1);
  if (!rest.empty() && (rest.front() != ':' || !allDigits(rest.substr(1)))) return std::nullopt;
  const std::string_view inside = host.substr(1, close - 1);
  if (!std::all_of(inside.begin(), inside.end(), isAddressCharacter)) return std::nullopt;
  return host.substr(0, close + 1);
}

// The host of a lower-case authority without port and root dot; nothing if it is no hostname.
std::optional<std::string_view> hostOf(std::string_view authority) {
  if (authority.starts_with('[')) return bracketedHost(authority);
  std::string_view host = authority;
  if (const std::size_t colon = host.find(':'); colon != std::string_view::npos) {
    if (!allDigits(host.substr(colon + 1))) return std::nullopt;
    host = host.substr(0, colon);
  }
  if (host.ends_with('.')) host.remove_suffix(1);
  if (host.empty() || host.size() > kHostBytesMax) return std::nullopt;
  char previous = '.';  // An empty label is no label: no leading dot, no two in a row.
  for (const char c : host) {
    if (!kHostCharacters[static_cast<unsigned char>(c)] || (c == '.' && previous == '.'))
      return std::nullopt;
    previous = c;
  }
  if (previous == '.') return std::nullopt;
  return host;
}

std::string keyOf(std::string_view tenant, std::string_view script) {
  return std::string(tenant) + "/" + std::string(script);
}

std::size_t dotsIn(std::string_view text) {
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), '.'));
}

}  // namespace

void Table::Host::finish() {
  any = nullptr;
  paths.clear();
  prefixes.clear();
  for (const Rule& rule : rules) {
    if (!rule.deployment) continue;
    const std::string_view path = rule.path;
    if (path.empty()) {
      any = rule.deployment;
    } else if (path.ends_with('*')) {
      prefixes.push_back(
          {.text = std::string(path.substr(0, path.size() - 1)), .deployment = rule.deployment});
    } else {
      paths.push_back({.text = std::string(path), .deployment = rule.deployment});
    }
  }
  const auto byText = [](const PathRule& a, const PathRule& b) { return a.text < b.text; };
  std::sort(paths.begin(), paths.end(), byText);
  std::sort(prefixes.begin(), prefixes.end(), byText);
  // In sorted order a prefix stands right before what starts with it, so the ancestors of a rule
  // are on the chain of the rule before it.
  for (std::size_t i = 1; i < prefixes.size(); ++i) {
    std::size_t candidate = i - 1;
    while (candidate != kNone && !prefixes[i].text.starts_with(prefixes[candidate].text)) {
      candidate = prefixes[candidate].parent;
    }
    prefixes[i].parent = candidate;
  }
}

const DeploymentRef& Table::Host::find(std::string_view path) const noexcept {
  const auto before = [](const PathRule& rule, std::string_view text) { return rule.text < text; };
  const auto exact = std::lower_bound(paths.begin(), paths.end(), path, before);
  if (exact != paths.end() && exact->text == path) return exact->deployment;

  const auto behind = [](std::string_view text, const PathRule& rule) { return text < rule.text; };
  const auto after = std::upper_bound(prefixes.begin(), prefixes.end(), path, behind);
  std::size_t i =
      after == prefixes.begin() ? kNone : static_cast<std::size_t>(after - prefixes.begin()) - 1;
  while (i != kNone && !path.starts_with(prefixes[i].text)) i = prefixes[i].parent;
  return i == kNone ? any : prefixes[i].deployment;
}

Table::Place Table::placeOf(std::string_view pattern) {
  const std::size_t slash = std::min(pattern.find('/'), pattern.size());
  Place place{.isWildcard = pattern.starts_with("*."),
              .host = toLowerAscii(pattern.substr(0, slash)),
              .path = std::string(pattern.substr(slash))};
  if (place.isWildcard) place.host.erase(0, 2);
  return place;
}

void Table::setDeployment(std::string_view tenant, std::string_view script,
                          const DeploymentRef& deployment, const TableOptions& options,
                          Touched& touched) {
  const std::string key = keyOf(tenant, script);
  const std::string domain = "." + options.defaultDomain;
  const auto set = [&deployment](SharedMap<DeploymentRef>& map, const std::string& text) {
    if (deployment) {
      map.edit(text) = deployment;
    } else {
      map.erase(text);
    }
  };
  set(scripts_, key);
  set(defaults_, std::string(script) + "." + std::string(tenant) + domain);
  if (tenant == options.defaultTenant) set(defaults_, std::string(script) + domain);
  const std::vector<std::string>* const patterns = patterns_.find(key);
  if (patterns == nullptr) return;
  for (const std::string& pattern : *patterns) {
    const Place place = placeOf(pattern);
    for (Host::Rule& rule : hosts(place).edit(place.host).rules) {
      if (rule.script == key) rule.deployment = deployment;
    }
    touched.emplace(place.isWildcard, place.host);
  }
}

void Table::removeRoute(std::string_view pattern, Touched& touched) {
  const Place place = placeOf(pattern);
  if (hosts(place).find(place.host) == nullptr) return;
  std::vector<Host::Rule>& rules = hosts(place).edit(place.host).rules;
  const auto rule = std::ranges::find(rules, place.path, &Host::Rule::path);
  if (rule == rules.end()) return;
  std::vector<std::string>& patterns = patterns_.edit(rule->script);
  std::erase(patterns, pattern);
  if (patterns.empty()) patterns_.erase(rule->script);
  rules.erase(rule);
  if (rules.empty()) hosts(place).erase(place.host);
  touched.emplace(place.isWildcard, place.host);
}

void Table::setRoute(const deploy::Route& route, Touched& touched) {
  removeRoute(route.pattern, touched);
  const Place place = placeOf(route.pattern);
  if (place.isWildcard) {
    wildcardDotsMin_ = std::min(wildcardDotsMin_, dotsIn(place.host));
    wildcardDotsMax_ = std::max(wildcardDotsMax_, dotsIn(place.host));
  }
  const std::string key = keyOf(route.tenant, route.script);
  const DeploymentRef* const deployment = scripts_.find(key);
  hosts(place)
      .edit(place.host)
      .rules.push_back(
          {.path = place.path, .script = key, .deployment = deployment ? *deployment : nullptr});
  patterns_.edit(key).push_back(route.pattern);
  touched.emplace(place.isWildcard, place.host);
}

void Table::finishHosts(const Touched& touched) {
  for (const auto& [isWildcard, text] : touched) {
    SharedMap<Host>& map = isWildcard ? wildcard_ : exact_;
    if (map.find(text) != nullptr) map.edit(text).finish();
  }
}

std::shared_ptr<const Table> Table::build(const deploy::Registry::Listing& listing,
                                          const TableOptions& options) {
  deploy::Registry::Delta delta{.logIndex = listing.logIndex, .scripts = {}, .routes = {}};
  for (const deploy::Deployment& each : listing.deployments) {
    delta.scripts.push_back({each.tenant, each.script, each});
  }
  for (const deploy::Route& each : listing.routes) delta.routes.push_back({each.pattern, each});
  return Table().with(delta, options);
}

std::shared_ptr<const Table> Table::with(const deploy::Registry::Delta& delta,
                                         const TableOptions& options) const {
  const std::shared_ptr<Table> table(new Table(*this));
  table->logIndex_ = delta.logIndex;
  Touched touched;
  for (const auto& [tenant, script, deployment] : delta.scripts) {
    const auto shared =
        deployment ? std::make_shared<const deploy::Deployment>(*deployment) : nullptr;
    table->setDeployment(tenant, script, shared, options, touched);
  }
  for (const auto& [pattern, route] : delta.routes) {
    if (route) {
      table->setRoute(*route, touched);
    } else {
      table->removeRoute(pattern, touched);
    }
  }
  table->finishHosts(touched);
  return table;
}

const DeploymentRef& Table::find(std::string_view authority,
                                 std::string_view target) const noexcept {
  const std::string_view path = target.substr(0, target.find('?'));
  // Mostly the authority is a key as it stands: what is one needs no check.
  if (const Host* const found = exact_.find(authority)) {
    if (const DeploymentRef& deployment = found->find(path)) return deployment;
  } else if (wildcard_.empty()) {
    if (const DeploymentRef* const byName = defaults_.find(authority)) return *byName;
  }
  // Brackets or root dot, and a port of any number of zeros up to the buffer's end.
  std::array<char, kHostBytesMax + 32> lower;
  if (authority.size() > lower.size()) return kNothing;
  std::transform(authority.begin(), authority.end(), lower.begin(),
                 [](char c) { return toLowerAscii(c); });
  const auto host = hostOf(std::string_view(lower.data(), authority.size()));
  if (!host) return kNothing;

  if (const Host* const found = exact_.find(*host)) {
    if (const DeploymentRef& deployment = found->find(path)) return deployment;
  }
  if (!wildcard_.empty() && !host->starts_with('[')) {
    std::size_t dots = dotsIn(*host);
    std::size_t dot = host->find('.');
    while (dot != std::string_view::npos && dots > wildcardDotsMin_) {
      const std::string_view suffix = host->substr(dot + 1);
      --dots;  // Now the dots of the suffix.
      if (dots <= wildcardDotsMax_) {
        if (const Host* const found = wildcard_.find(suffix)) {
          if (const DeploymentRef& deployment = found->find(path)) return deployment;
        }
      }
      dot = host->find('.', dot + 1);
    }
  }
  const DeploymentRef* const found = defaults_.find(*host);
  return found == nullptr ? kNothing : *found;
}

const DeploymentRef& Table::findScript(std::string_view tenant, std::string_view script) const {
  const DeploymentRef* const found = scripts_.find(keyOf(tenant, script));
  return found == nullptr ? kNothing : *found;
}

const deploy::Deployment::Share& pickShare(const deploy::Deployment& deployment,
                                           std::uint64_t hash) noexcept {
  ATOLL_CHECK(!deployment.shares.empty());
  double point = static_cast<double>(hash >> 11) * 0x1p-53 * 100;  // Uniform in [0, 100).
  for (const deploy::Deployment::Share& share : deployment.shares) {
    if (point < share.percent) return share;
    point -= share.percent;
  }
  // Rounding left a sliver behind the last share: the last one that has any traffic takes it.
  for (auto share = deployment.shares.rbegin(); share != deployment.shares.rend(); ++share) {
    if (share->percent > 0) return *share;
  }
  return deployment.shares.back();
}

}  // namespace atolld::gateway
