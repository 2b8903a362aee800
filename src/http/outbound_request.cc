#include "http/outbound_request.h"

#include "http/field_rules.h"
#include "http/target.h"

namespace atolld::http {

bool isBareConnection(const RequestHead& head) {
  return head.method == "CONNECT" && (head.scheme == "tcp" || head.scheme == "tls");
}

std::optional<Error> checkOutboundRequest(const RequestHead& head) {
  if (!isToken(head.method) || head.method == "CONNECT") {
    return Error{ErrorCode::InvalidArgument, "the request method cannot be sent"};
  }
  if (!isOriginForm(head.target) && !(head.target == "*" && head.method == "OPTIONS")) {
    return Error{ErrorCode::InvalidArgument, "the request target is not a path"};
  }
  if (!parseAuthority(head.authority)) {
    return Error{ErrorCode::InvalidArgument, "the request authority is not a valid host"};
  }
  return std::nullopt;
}

}  // namespace atolld::http
