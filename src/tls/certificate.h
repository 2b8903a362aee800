#pragma once

#include <chrono>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace atolld::tls {

/// A new EC P-256 key and the request for a certificate of it.
struct KeyRequest {
  std::string keyPem;  ///< Secret: for a file of mode 0600 and nothing else.
  std::string requestPem;
};
Result<KeyRequest> makeRequest();
/// A request for a certificate of a key that is there. @error InvalidArgument
Result<std::string> makeRequestFor(std::string_view keyPem);
/// SHA-256 of the key that a request is for, raw. @error InvalidArgument, as answerRequest()
Result<std::string> requestKeyHash(std::string_view requestPem);

/// A certificate chain and its private key. Immutable, cheap to copy, any thread.
class Certificate {
 public:
  /// PEM, the server's own certificate first, then the intermediates.
  /// @error InvalidArgument  not PEM, an encrypted key, or a key that is not the certificate's.
  static Result<Certificate> fromPem(std::string_view chainPem, std::string_view keyPem);

  /// A new EC P-256 key and a certificate for it that nobody vouches for; for development.
  /// `names`: host names (also "*.example.com") and IP literals.
  static Result<Certificate> selfSigned(std::span<const std::string> names,
                                        std::chrono::days validity, const Clock& clock);
  /// selfSigned() for localhost, *.localhost, 127.0.0.1 and ::1.
  static Result<Certificate> forDevelopment(const Clock& clock);
  /// As selfSigned(), but `issuer` vouches for it.
  static Result<Certificate> issued(const Certificate& issuer, std::span<const std::string> names,
                                    std::chrono::days validity, const Clock& clock);
  /// A new authority that may issue certificates for names at and below `domain` and for loopback
  /// addresses, and for nothing else.
  static Result<Certificate> authority(const std::string& subject, const std::string& domain,
                                       std::chrono::days validity, const Clock& clock);

  /// Answers a makeRequest() of another machine: a certificate for its key, for `names` as server
  /// and as client, its subject `subject`, with the issuer's behind it. PEM.
  /// @error InvalidArgument  not a request, not signed by its own key, or no EC P-256 key.
  static Result<std::string> answerRequest(const Certificate& issuer, std::string_view requestPem,
                                           const std::string& subject,
                                           std::span<const std::string> names,
                                           std::chrono::days validity, const Clock& clock);
  /// This certificate with `issuer` behind it: what a server shows to who knows the issuer by hash.
  Result<Certificate> chainedTo(const Certificate& issuer) const;

  /// The DNS names it is for, lower-case, wildcards as "*.example.com".
  const std::vector<std::string>& names() const noexcept;
  /// The common name of its subject.
  std::string subject() const;
  UnixMillis notAfter() const noexcept;
  /// SHA-256 of its public key (SubjectPublicKeyInfo), raw.
  std::string keyHash() const;
  /// SHA-256 of the certificate itself, raw.
  std::string fingerprint() const;
  std::string chainPem() const;
  /// Secret: for a file of mode 0600 and nothing else.
  std::string privateKeyPem() const;

 private:
  friend struct ClientCallbacks;
  friend class ClientContext;
  friend class ServerContext;
  struct State;
  static Certificate of(State state);
  explicit Certificate(std::shared_ptr<const State> state) : state_(std::move(state)) {}
  std::shared_ptr<const State> state_;
};

}  // namespace atolld::tls
