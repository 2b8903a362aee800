#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "http/header_list.h"

namespace atolld::http {

enum class Version : std::uint8_t { Http10, Http11, Http2, Http3 };

/// What a node knows of the client's connection; one per connection, shared by its requests.
struct ConnectionInfo {
  std::string clientAddress;  ///< IP literal, no port.
  std::uint16_t clientPort = 0;
  std::uint16_t localPort = 0;
  bool secure = false;
  std::string tlsVersion;  ///< "TLSv1.3"; empty in the clear.
  std::string tlsCipher;
  std::string serverName;  ///< SNI; empty if none was sent.
  /// Of the client's certificate, if it was asked for one and showed it, verified: the subject's
  /// common name and the SHA-256 of its public key.
  std::string certificateName;
  std::string certificateKeyHash;
};

/// How a message's body is framed.
enum class BodyKind : std::uint8_t {
  None,     ///< There is no body.
  Length,   ///< `contentLength` bytes follow.
  Unknown,  ///< Chunked, or an HTTP/2 stream without a content-length: ends when it ends.
};

/// One request's head, the same for every HTTP version. Parsed and valid: the codecs refuse
/// anything that two readers could take two ways.
struct RequestHead {
  std::string method;     ///< A token, case kept.
  std::string scheme;     ///< "http" or "https": how the request reached this node.
  std::string authority;  ///< Lower-case host with optional ":port".
  std::string target;     ///< Origin form ("/path?query"), or "*" for OPTIONS.
  HeaderList headers;     ///< Without Host, connection-level and pseudo fields.
  Version version = Version::Http11;
  BodyKind body = BodyKind::None;
  std::uint64_t contentLength = 0;
  bool expectsContinue = false;
  /// It asks for a WebSocket (RFC 6455 section 4.1, RFC 8441 section 4; then `method` is GET and
  /// there is no body), and may be answered with status 101.
  bool webSocket = false;
  std::shared_ptr<const ConnectionInfo> connection;
};

/// A response's head. Framing (content-length, transfer-encoding, connection) is the codec's:
/// it drops such fields from `headers` and writes its own from `body` and `contentLength`.
/// Status 101, to RequestHead::webSocket only, makes the exchange a tunnel: from then on its bodies
/// are the bytes of both directions, as they come. (HTTP/2 says 200 for it.)
struct ResponseHead {
  int status = 200;
  /// The reason phrase of a response received over HTTP/1.1, as it came: any bytes of a field
  /// value. One that is sent has its status's own.
  std::string reason;
  HeaderList headers;
  BodyKind body = BodyKind::None;
  std::uint64_t contentLength = 0;
};

}  // namespace atolld::http
