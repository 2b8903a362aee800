#include "http/http1_request.h"

#include <algorithm>
#include <utility>

#include "base/encoding.h"
#include "http/field_rules.h"
#include "http/http1_fields.h"
#include "http/target.h"

namespace atolld::http {
namespace {

struct StartLine {
  std::string_view method;
  std::string_view target;
};

MaybeRefusal readStartLine(std::string_view line, const ServerLimits& limits, RequestHead& head,
                           StartLine& start) {
  const std::size_t first = line.find(' ');
  const std::size_t last = line.rfind(' ');
  if (first == std::string_view::npos || last == first) {
    return Refusal{400, "the request line is not METHOD TARGET VERSION"};
  }
  start.method = line.substr(0, first);
  start.target = line.substr(first + 1, last - first - 1);
  const std::string_view version = line.substr(last + 1);
  if (!isToken(start.method)) return Refusal{400, "the method is not a token"};
  const bool visible =
      std::ranges::all_of(start.target, [](char c) { return c > 0x20 && c < 0x7f; });
  if (!visible || start.target.empty()) {
    return Refusal{400, "the request target holds an illegal character"};
  }
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  if (version.size() != 8 || !version.starts_with("HTTP/") || !digit(version[5]) ||
      version[6] != '.' || !digit(version[7])) {
    return Refusal{400, "the request line does not end in an HTTP version"};
  }
  head.method = start.method;
  if (start.target.size() > limits.targetBytesMax) {
    return Refusal{414, "the request target is too long"};
  }
  if (version == "HTTP/1.1") {
    head.version = Version::Http11;
  } else if (version == "HTTP/1.0") {
    head.version = Version::Http10;
  } else {
    return Refusal{505, "this port speaks HTTP/1.0, HTTP/1.1 and HTTP/2"};
  }
  return std::nullopt;
}

MaybeRefusal readBodyFraming(const Decisive& decisive, const ServerLimits& limits,
                             RequestHead& head, RequestFraming& framing) {
  head.body = BodyKind::None;
  head.contentLength = 0;
  if (decisive.transferEncoding) {
    if (decisive.contentLength) {
      return Refusal{400, "there are both content-length and transfer-encoding"};
    }
    if (head.version == Version::Http10) {
      return Refusal{400, "HTTP/1.0 has no transfer-encoding"};
    }
    if (const MaybeRefusal refusal = checkTransferEncoding(*decisive.transferEncoding)) {
      return refusal;
    }
    framing.chunked = true;
    head.body = BodyKind::Unknown;
  } else if (decisive.contentLength) {
    const Result<std::uint64_t> length = parseContentLength(*decisive.contentLength);
    if (!length) return Refusal{400, "content-length is not a number of bytes"};
    if (*length > limits.bodyBytesMax) return Refusal{413, "the request body is too large"};
    head.contentLength = *length;
    if (*length > 0) head.body = BodyKind::Length;
  }
  return std::nullopt;
}

MaybeRefusal readExpectation(const Decisive& decisive, RequestHead& head) {
  head.expectsContinue = false;
  // HTTP/1.0 knows no expectations and would not understand an interim answer.
  if (!decisive.expect || head.version == Version::Http10) return std::nullopt;
  if (!equalsIgnoringCase(*decisive.expect, "100-continue")) {
    return Refusal{417, "the only expectation understood is 100-continue"};
  }
  head.expectsContinue = head.body != BodyKind::None;
  return std::nullopt;
}

MaybeRefusal readAuthority(const Decisive& decisive, RequestHead& head) {
  if (!decisive.host) {
    if (head.version == Version::Http10) return std::nullopt;
    return Refusal{400, "there is no host field"};
  }
  Result<std::string> authority = parseAuthority(*decisive.host);
  if (!authority) return Refusal{400, "the host field is not a valid host"};
  head.authority = *std::move(authority);
  return std::nullopt;
}

MaybeRefusal readTarget(std::string_view target, bool secure, RequestHead& head) {
  if (head.method == "CONNECT") return Refusal{501, "CONNECT is not supported"};
  if (isOriginForm(target) || (target == "*" && head.method == "OPTIONS")) {
    head.target = target;
    return std::nullopt;
  }
  const Result<AbsoluteTarget> absolute = splitAbsoluteForm(target);
  if (!absolute) return Refusal{400, "the request target is malformed"};
  Result<std::string> authority = parseAuthority(absolute->authority);
  if (!authority) return Refusal{400, "the request target's host is not a valid host"};
  if (absolute->secure != secure) {
    return Refusal{400, "the request target's scheme is not the connection's"};
  }
  // RFC 9112 section 3.2.2 lets the target win. Two hosts in one request are two readings of it.
  if (!head.authority.empty() && !sameAuthority(*authority, head.authority, secure)) {
    return Refusal{400, "the request target and the host field name different hosts"};
  }
  head.authority = *std::move(authority);
  head.target = absolute->pathAndQuery.starts_with('/') ? "" : "/";
  head.target += absolute->pathAndQuery;
  if (!isOriginForm(head.target)) return Refusal{400, "the request target is malformed"};
  return std::nullopt;
}

/// base64 of 16 bytes.
bool isWebSocketKey(std::string_view key) {
  constexpr std::size_t kKeySize = 24, kDigits = 22;
  return key.size() == kKeySize && key.ends_with("==") &&
         std::ranges::all_of(key.substr(0, kDigits), [](char c) {
           return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
                  c == '+' || c == '/';
         });
}

/// An Upgrade to anything else is ignored, as any server may.
/// @spec RFC 6455 section 4.2.1
MaybeRefusal readUpgrade(const HeaderList& fields, const Decisive& decisive, RequestHead& head) {
  head.webSocket = false;
  if (head.method != "GET" || head.version != Version::Http11 || head.body != BodyKind::None ||
      !upgradesToWebSocket(fields, decisive)) {
    return std::nullopt;
  }
  if (fields.find("sec-websocket-version").value_or("") != "13") {
    return Refusal{426, "the only WebSocket version spoken here is 13"};
  }
  const auto keys = std::ranges::count_if(
      fields, [](HeaderList::Field field) { return field.name == "sec-websocket-key"; });
  if (keys != 1 || !isWebSocketKey(*fields.find("sec-websocket-key"))) {
    return Refusal{400, "the sec-websocket-key field is malformed"};
  }
  head.webSocket = true;
  return std::nullopt;
}

}  // namespace

std::optional<Refusal> readRequestHead(std::string_view raw, std::size_t startLineBytes,
                                       const ServerLimits& limits, bool secure, Http1Parser& parser,
                                       RequestHead& head, RequestFraming& framing) {
  StartLine start;
  if (const auto refusal = readStartLine(raw.substr(0, startLineBytes), limits, head, start)) {
    return refusal;
  }
  HeaderList& fields = head.headers;
  const auto syntax = parser.parseHead(raw, fields);
  if (!parser.methodKnown()) return Refusal{501, "the method is not supported"};
  if (syntax && !parser.headComplete()) return syntax;

  Decisive decisive;
  if (const auto refusal = collectDecisive(fields, decisive)) return refusal;
  if (const auto refusal = readAuthority(decisive, head)) return refusal;
  if (const auto refusal = readTarget(start.target, secure, head)) return refusal;
  if (const auto refusal = readBodyFraming(decisive, limits, head, framing)) return refusal;
  if (const auto refusal = readExpectation(decisive, head)) return refusal;
  if (const auto refusal = readUpgrade(fields, decisive, head)) return refusal;
  // llhttp refuses the framing that passed our own rules: two readings, so none.
  if (syntax) return syntax;

  head.scheme = secure ? "https" : "http";
  framing.keepAlive = head.version == Version::Http11
                          ? !decisive.connectionClose
                          : decisive.connectionKeepAlive && !decisive.connectionClose;
  keepEndToEnd(fields, decisive);
  return std::nullopt;
}

}  // namespace atolld::http
