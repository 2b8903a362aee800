#include "node/certificates.h"

#include <filesystem>
#include <string>
#include <utility>

#include "node/files.h"

namespace atolld::node {
namespace {

namespace fs = std::filesystem;

/// The authority for development: made once, so that whoever trusted it goes on doing so.
Result<std::shared_ptr<tls::DevelopmentAuthority>> developmentAuthority(
    const config::Config& config, const Clock& clock) {
  const fs::path file = config::developmentCaFile(config.dataDir);
  const fs::path keyFile = fs::path(config.dataDir) / "development-ca-key.pem";
  const auto pem = readFile(file);
  const auto keyPem = readFile(keyFile);
  if (pem && keyPem) {
    auto kept = tls::DevelopmentAuthority::fromPem(*pem, *keyPem, config.defaultDomain, clock);
    if (kept) return kept;
  }
  ATOLL_TRY(auto made, tls::DevelopmentAuthority::create(config.defaultDomain, clock));
  ATOLL_TRY_VOID(writeSecretFile(keyFile, made->privateKeyPem()));
  ATOLL_TRY_VOID(writeSecretFile(file, made->certificatePem()));
  return made;
}

}  // namespace

Result<std::shared_ptr<const tls::CertificateStore>> loadCertificates(const config::Config& config,
                                                                      const Clock& clock) {
  tls::Certificates certificates;
  bool first = true;
  for (const config::Certificate& each : config.tls.certificates) {
    ATOLL_TRY(const std::string chain, readFile(each.certificateFile));
    ATOLL_TRY(const std::string key, readFile(each.keyFile));
    auto certificate = tls::Certificate::fromPem(chain, key);
    if (!certificate) return fail(certificate.error(), each.certificateFile);
    certificates.add(*certificate);
    for (const std::string& host : each.hosts) certificates.add(host, *certificate);
    if (std::exchange(first, false)) certificates.setDefault(*certificate);
  }
  if (first) {
    ATOLL_TRY(auto authority, developmentAuthority(config, clock));
    ATOLL_TRY(const tls::Certificate fallback, authority->issueDefault());
    certificates.setDefault(fallback);
    certificates.setAuthority(std::move(authority));
  }
  return std::make_shared<const tls::CertificateStore>(std::move(certificates));
}

}  // namespace atolld::node
