#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "control/call.h"

namespace atolld::control {

/// Who may call an endpoint.
enum class Access : std::uint8_t {
  Public,        ///< Anyone, without a token.
  Any,           ///< Any token.
  Read,          ///< Tokens of the tenant: viewer, deployer, owner.
  ReadValues,    ///< Tokens that may see the tenant's data, not just its shape: deployer, owner.
  Write,         ///< Tokens that may change scripts, routes and KV: deployer, owner.
  Manage,        ///< Tokens that may make and revoke tokens: owner.
  AssetSession,  ///< Who has the token of an upload of static files, instead of one's own.
  Operate,       ///< The fleet: operator, and the default tenant's owner.
};

/// What a request body may be: its size is bounded before a byte of it is read.
enum class BodyLimit : std::uint8_t { None, Small, KvValue, Upload };

/// One endpoint. ":name" in the pattern takes one path segment, percent-decoded.
struct Route {
  std::string_view method;
  std::string_view pattern;  ///< "/api/v1/scripts/:script/versions"
  Access access = Access::Read;
  BodyLimit body = BodyLimit::None;
  /// Runs on a pool thread and may block.
  Result<Answer> (*run)(const Services& services, const Call& call);
};

/// Finds endpoints by method and path. Immutable: any thread.
class Router {
 public:
  /// `routes` are borrowed for the router's life.
  explicit Router(std::vector<std::span<const Route>> routes) : routes_(std::move(routes)) {}

  struct Match {
    const Route* route;
    std::vector<std::string> parameters;  ///< In the order of the pattern.
  };
  struct NoPath {};
  struct NoMethod {
    std::string allow;  ///< "GET, POST"
  };
  struct BadPath {};  ///< A broken percent escape.
  std::variant<Match, NoPath, NoMethod, BadPath> find(std::string_view method,
                                                      std::string_view path) const;

 private:
  std::vector<std::span<const Route>> routes_;
};

}  // namespace atolld::control
