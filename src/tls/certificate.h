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

  /// The DNS names it is for, lower-case, wildcards as "*.example.com".
  const std::vector<std::string>& names() const noexcept;
  /// The common name of its subject.
  std::string subject() const;
  UnixMillis notAfter() const noexcept;
  std::string chainPem() const;
  /// Secret: for a file of mode 0600 and nothing else.
  std::string privateKeyPem() const;

 private:
  friend class ServerContext;
  struct State;
  static Certificate of(State state);
  explicit Certificate(std::shared_ptr<const State> state) : state_(std::move(state)) {}
  std::shared_ptr<const State> state_;
};

}  // namespace atolld::tls
