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
  /// What a node without configured certificates serves: localhost, *.localhost, 127.0.0.1, ::1.
  static Result<Certificate> forDevelopment(const Clock& clock);

  /// The DNS names it is for, lower-case, wildcards as "*.example.com".
  const std::vector<std::string>& names() const noexcept;
  UnixMillis notAfter() const noexcept;
  std::string chainPem() const;
  /// Secret: for a file of mode 0600 and nothing else.
  std::string privateKeyPem() const;

 private:
  friend class ServerContext;
  struct State;
  explicit Certificate(std::shared_ptr<const State> state) : state_(std::move(state)) {}
  std::shared_ptr<const State> state_;
};

}  // namespace atolld::tls
