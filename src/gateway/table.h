#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "deploy/deployment.h"
#include "deploy/registry.h"
#include "gateway/shared_map.h"

namespace atolld::gateway {

using DeploymentRef = std::shared_ptr<const deploy::Deployment>;

struct TableOptions {
  std::string defaultDomain = "localhost";  ///< Lower case.
  std::string defaultTenant = "default";    ///< Its scripts answer on <script>.<domain> too.
};

/// Which deployment answers a request, by hostname and path. Immutable: a change makes a new table
/// that shards swap in whole, so any number of threads may read one. The new one shares with the
/// old one what did not change: with ten thousand tenants, a deploy of one costs next to nothing.
///
/// The most specific route wins: an exact host before a wildcard, a longer wildcard suffix before a
/// shorter one; on one host an exact path before a prefix, a longer prefix before a shorter one,
/// any of them before a route without a path. Where no route of a host takes the path, the next
/// host in that order is asked; last come the default names `<script>.<tenant>.<default domain>`
/// and, for the default tenant, `<script>.<default domain>`.
///
/// `*.example.com` takes every name below example.com, at any depth, and not example.com itself. A
/// route to a script that has no deployment is as if it were not there.
class Table {
 public:
  Table() = default;  ///< Routes nothing.
  static std::shared_ptr<const Table> build(const deploy::Registry::Listing& listing,
                                            const TableOptions& options);
  /// This table after some changes.
  std::shared_ptr<const Table> with(const deploy::Registry::Delta& delta,
                                    const TableOptions& options) const;

  /// The deployment that answers, or null. Allocates nothing; the reference is the table's.
  ///
  /// @param authority  host with optional ":port", in any case, with or without the root's dot, as
  ///   the client sent it: whatever is no hostname or IP literal finds nothing.
  /// @param target  path with optional "?query", matched byte by byte as received: "%2F" is not
  /// "/".
  const DeploymentRef& find(std::string_view authority, std::string_view target) const noexcept;

  /// What answers calls of a tenant's script by the tenant's others; null if it is not deployed.
  const DeploymentRef& findScript(std::string_view tenant, std::string_view script) const;

  std::uint64_t logIndex() const noexcept { return logIndex_; }
  std::size_t hostCount() const noexcept { return exact_.size() + wildcard_.size(); }

 private:
  Table(const Table&) = default;

  // The routes of one host or suffix.
  struct Host {
    struct Rule {
      std::string path;  // As in the pattern: "/x", "/x*", or none.
      std::string script;
      DeploymentRef deployment;  // Null: as if the rule were not there.
    };
    std::vector<Rule> rules;
    // What finish() makes of them.
    struct PathRule {
      std::string text;  // Exact path, or prefix.
      DeploymentRef deployment;
      std::size_t parent = kNone;  // Prefixes: the longest other one that `text` starts with.
    };
    static constexpr std::size_t kNone = ~std::size_t{0};

    std::vector<PathRule> paths;     // Sorted by text.
    std::vector<PathRule> prefixes;  // Sorted by text.
    DeploymentRef any;               // The route without a path.

    void finish();
    const DeploymentRef& find(std::string_view path) const noexcept;
  };
  // A pattern's host, without the "*." of a wildcard, and its path.
  struct Place {
    bool isWildcard = false;
    std::string host, path;
  };
  static Place placeOf(std::string_view pattern);
  SharedMap<Host>& hosts(const Place& place) { return place.isWildcard ? wildcard_ : exact_; }

  // Each notes the hosts that finishHosts() has to see to.
  using Touched = std::set<std::pair<bool, std::string>>;
  void setDeployment(std::string_view tenant, std::string_view script,
                     const DeploymentRef& deployment, const TableOptions& options,
                     Touched& touched);
  void setRoute(const deploy::Route& route, Touched& touched);
  void removeRoute(std::string_view pattern, Touched& touched);
  void finishHosts(const Touched& touched);

  std::uint64_t logIndex_ = 0;
  SharedMap<Host> exact_;
  SharedMap<Host> wildcard_;                       // By the suffix behind "*.".
  std::size_t wildcardDotsMin_ = ~std::size_t{0};  // Of dots in suffixes: bounds the look-ups.
  std::size_t wildcardDotsMax_ = 0;
  SharedMap<DeploymentRef> defaults_;
  SharedMap<DeploymentRef> scripts_;              // By tenant "/" script: a slash is in no name.
  SharedMap<std::vector<std::string>> patterns_;  // Of the routes to a script, by the same.
};

/// The share of a deployment that `hash` (uniform over 64 bits) falls into: the same hash gets the
/// same version for as long as the shares stay.
const deploy::Deployment::Share& pickShare(const deploy::Deployment& deployment,
                                           std::uint64_t hash) noexcept;

}  // namespace atolld::gateway
