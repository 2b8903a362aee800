#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/clock.h"
#include "base/result.h"
#include "tls/certificate.h"

namespace atolld::tls {

/// Issues a certificate for each local name that a client asks for, so that whoever trusts this one
/// authority can check them all: clients refuse a wildcard right below a top-level name, such as
/// *.localhost. Its own certificate confines it to `domain` and the loopback addresses (RFC 5280
/// section 4.2.1.10), so a stolen key signs for nobody else. Any thread.
class DevelopmentAuthority {
 public:
  /// A new one, for `domain` and all names below it.
  static Result<std::shared_ptr<DevelopmentAuthority>> create(const std::string& domain,
                                                              const Clock& clock);
  /// The one that was kept in these.
  /// @error InvalidArgument  not a certificate and its key, for another domain, or expires soon.
  static Result<std::shared_ptr<DevelopmentAuthority>> fromPem(std::string_view certificatePem,
                                                               std::string_view keyPem,
                                                               const std::string& domain,
                                                               const Clock& clock);

  /// For clients that send no name: `domain` itself and the loopback addresses.
  Result<Certificate> issueDefault() const;
  /// For a host name at or below `domain`, made at its first use.
  /// @error NotFound  not such a name.
  Result<Certificate> certificateFor(std::string_view serverName);

  std::string certificatePem() const { return own_.chainPem(); }
  /// Secret: for a file of mode 0600 and nothing else.
  std::string privateKeyPem() const { return own_.privateKeyPem(); }

 private:
  DevelopmentAuthority(Certificate own, std::string domain, const Clock& clock)
      : own_(std::move(own)), domain_(std::move(domain)), clock_(clock) {}

  const Certificate own_;
  const std::string domain_;
  const Clock& clock_;
  std::mutex mutex_;
  std::unordered_map<std::string, Certificate> issued_;  ///< Guarded by mutex_.
};

}  // namespace atolld::tls
