#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "tls/certificate_store.h"
#include "tls/ticket_keys.h"

struct ssl_ctx_st;

namespace atolld::tls {

/// What a client gets that names a host no certificate is for.
enum class UnknownName : std::uint8_t {
  UseDefault,  ///< The default certificate; the client decides.
  Refuse,      ///< The fatal alert unrecognized_name (RFC 6066 section 3).
};

struct ServerOptions {
  std::shared_ptr<const CertificateStore> certificates;
  std::shared_ptr<TicketKeys> ticketKeys;  ///< Null: no session resumption.
  UnknownName unknownName = UnknownName::UseDefault;
  /// Ours in order of preference; a client that offers only others is refused with
  /// no_application_protocol, one that offers none is served without.
  std::vector<std::string> protocols = {"h2", "http/1.1"};
  /// PEM of the authority whose certificates clients may show; empty: none is asked for. A client
  /// that shows none is served, and Session::peer() says so.
  std::string clientAuthorityPem;
};

/// How we answer handshakes: TLS 1.2 (ECDHE with AEAD only) and 1.3; no renegotiation, no
/// compression, no early data (a replayed request is the script's problem otherwise). Immutable,
/// any thread; one for each shard keeps their cores from sharing counters.
class ServerContext {
 public:
  static Result<std::shared_ptr<const ServerContext>> make(ServerOptions options);
  ~ServerContext();
  ServerContext(const ServerContext&) = delete;
  ServerContext& operator=(const ServerContext&) = delete;

 private:
  friend class Session;
  friend struct ServerCallbacks;
  ServerContext() = default;
  bool useCertificate(void* ssl, const Certificate& certificate) const;

  ServerOptions options_;
  std::string wireProtocols_;  // ALPN's own encoding.
  ssl_ctx_st* context_ = nullptr;
};

struct ClientOptions {
  /// PEM file of authorities trusted besides the system's; empty for none.
  std::string extraCaFile;
  std::vector<std::string> protocols = {"h2", "http/1.1"};
  /// PEM of the only authority trusted, in place of the system's; empty for the system's.
  std::string onlyAuthorityPem;
  /// SHA-256 of the certificate of the only authority trusted, which the server must send along.
  std::string onlyAuthorityFingerprint;
  /// What the peer's certificate must be for, whatever it was connected by; empty: the host.
  std::string peerName;
  std::optional<Certificate> certificate;  ///< Ours, for servers that ask for one.
};

/// How we make handshakes as a client: the peer's certificate is always verified, chain and name.
/// Immutable, any thread.
class ClientContext {
 public:
  /// @error InvalidArgument  an authority cannot be read.
  static Result<std::shared_ptr<const ClientContext>> make(const ClientOptions& options);
  ~ClientContext();
  ClientContext(const ClientContext&) = delete;
  ClientContext& operator=(const ClientContext&) = delete;

 private:
  friend class Session;
  friend struct ClientCallbacks;
  ClientContext() = default;
  std::string authorityFingerprint_;
  std::string peerName_;
  ssl_ctx_st* context_ = nullptr;
};

}  // namespace atolld::tls
