#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "tls/certificate.h"
#include "tls/development_authority.h"

namespace atolld::tls {

/// Certificates by host name: an immutable snapshot once it is in a CertificateStore.
class Certificates {
 public:
  /// Answers for all of the certificate's own DNS names; a later one replaces an earlier.
  void add(const Certificate& certificate);
  /// Answers for `name` (exact or "*.example.com") too, whatever the certificate says.
  void add(std::string_view name, const Certificate& certificate);
  /// For clients that send no name, and for unknown names unless those are refused.
  void setDefault(const Certificate& certificate) { default_ = certificate; }

  /// The exact name wins; then the wildcard one label up ("a.b.example.com" is no
  /// "*.example.com"). Any case. Null if there is none.
  const Certificate* find(std::string_view serverName) const;
  /// Issues the certificates for names below its domain that nothing else answers for.
  void setAuthority(std::shared_ptr<DevelopmentAuthority> authority) {
    authority_ = std::move(authority);
  }
  const std::shared_ptr<DevelopmentAuthority>& authority() const { return authority_; }
  const Certificate* defaultCertificate() const { return default_ ? &*default_ : nullptr; }

 private:
  std::unordered_map<std::string, Certificate> byName_;
  std::optional<Certificate> default_;
  std::shared_ptr<DevelopmentAuthority> authority_;
};

/// The certificates in use; replaced whole while handshakes go on. Any thread.
class CertificateStore {
 public:
  explicit CertificateStore(Certificates certificates) { replace(std::move(certificates)); }

  std::shared_ptr<const Certificates> current() const;
  /// From the next handshake on.
  void replace(Certificates certificates);

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const Certificates> current_;
};

}  // namespace atolld::tls
