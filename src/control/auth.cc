#include "control/auth.h"

#include <arpa/inet.h>

#include <algorithm>
#include <string>

#include "base/encoding.h"

namespace atolld::control {
namespace {

bool isIpLiteral(int family, const std::string& host) {
  unsigned char bytes[16];
  return inet_pton(family, host.c_str(), bytes) == 1;
}

bool isOurs(std::string_view authority, std::string_view hostname) {
  const bool bracketed = authority.starts_with('[');
  const std::size_t colon =
      bracketed ? authority.find(':', authority.find(']')) : authority.rfind(':');
  std::string host(authority.substr(0, colon));
  if (bracketed) {
    return host.size() > 2 && host.back() == ']' &&
           isIpLiteral(AF_INET6, host.substr(1, host.size() - 2));
  }
  if (host.ends_with('.')) host.pop_back();
  if (host.empty()) return false;
  return equalsIgnoringCase(host, "localhost") || isIpLiteral(AF_INET, host) ||
         (!hostname.empty() && equalsIgnoringCase(host, hostname));
}

bool allows(const store::Token& token, Access access) {
  const store::Role role = token.role;
  using store::Role;
  switch (access) {
    case Access::Public:
    case Access::Any:
      return true;
    case Access::Read:
      return role != Role::Operator;
    case Access::ReadValues:
    case Access::Write:
      return role == Role::Owner || role == Role::Deployer;
    case Access::Manage:
      return role == Role::Owner;
    case Access::AssetSession:
      return false;  // No token of a person is one: authorizeAssets().
    case Access::Operate:
      return role == Role::Operator ||
             (role == Role::Owner && token.tenant == store::kDefaultTenant && !token.script);
  }
  return false;
}

}  // namespace

Result<> checkHost(const http::RequestHead& head, std::string_view hostname) {
  if (isOurs(head.authority, hostname)) return {};
  return fail(ErrorCode::Forbidden,
              "the host \"" + head.authority +
                  "\" is not this node's: call it by IP address or localhost, or name it in "
                  "control.hostname");
}

Result<> checkOrigin(const http::RequestHead& head, std::string_view hostname) {
  ATOLL_TRY_VOID(checkHost(head, hostname));
  const auto origin = head.headers.find("origin");
  if (origin && !equalsIgnoringCase(*origin, head.scheme + "://" + head.authority)) {
    return fail(ErrorCode::Forbidden, "requests of other websites are refused");
  }
  return {};
}

Result<Identity> authorize(const store::TokenStore& tokens, std::string_view authorization,
                           Access access, std::optional<std::string_view> script) {
  constexpr std::string_view kScheme = "bearer ";
  if (authorization.empty()) {
    return fail(ErrorCode::Unauthorized, "no token: send it as \"Authorization: Bearer <token>\"");
  }
  if (authorization.size() <= kScheme.size() ||
      !equalsIgnoringCase(authorization.substr(0, kScheme.size()), kScheme)) {
    return fail(ErrorCode::Unauthorized,
                "the Authorization header is not of the form \"Bearer <token>\"");
  }
  ATOLL_TRY(const auto found, tokens.find(authorization.substr(kScheme.size())));
  if (!found) return fail(ErrorCode::Unauthorized, "the token is unknown or was revoked");
  if (!allows(*found, access)) {
    return fail(ErrorCode::Forbidden, "a token of the role " +
                                          std::string(store::roleName(found->role)) +
                                          " does not allow this");
  }
  if (found->script && access != Access::Any && script != *found->script) {
    return fail(ErrorCode::Forbidden,
                "this token is good for the script \"" + *found->script + "\" only");
  }
  return Identity{.tenant = found->tenant, .tokenId = found->id, .role = found->role};
}

}  // namespace atolld::control
