#include "tls/development_authority.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/encoding.h"

namespace atolld::tls {
namespace {

// Browsers take no leaf that is valid for longer; the authority outlives many.
constexpr std::chrono::days kLeafValidity{397};
constexpr std::chrono::days kAuthorityValidity{3650};
constexpr std::chrono::days kAuthorityLeftMin{400};
constexpr std::size_t kIssuedCountMax = 1000;
constexpr std::size_t kNameBytesMax = 253;

std::string subjectFor(const std::string& domain) {
  return "Atoll development authority for " + domain;
}

/// Whether it is a host name that a certificate can be for: labels of letters, digits and hyphens.
bool isHostName(std::string_view name) {
  char previous = '.';
  for (const char c : name) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
    if (!plain && (c != '.' || previous == '.')) return false;
    previous = c;
  }
  return !name.empty() && previous != '.' && name.size() <= kNameBytesMax;
}

}  // namespace

Result<std::shared_ptr<DevelopmentAuthority>> DevelopmentAuthority::create(
    const std::string& domain, const Clock& clock) {
  if (!isHostName(domain)) {
    return fail(ErrorCode::InvalidArgument, "\"" + domain + "\" is no domain name");
  }
  ATOLL_TRY(Certificate own,
            Certificate::authority(subjectFor(domain), domain, kAuthorityValidity, clock));
  return std::shared_ptr<DevelopmentAuthority>(
      new DevelopmentAuthority(std::move(own), domain, clock));
}

Result<std::shared_ptr<DevelopmentAuthority>> DevelopmentAuthority::fromPem(
    std::string_view certificatePem, std::string_view keyPem, const std::string& domain,
    const Clock& clock) {
  ATOLL_TRY(Certificate own, Certificate::fromPem(certificatePem, keyPem));
  if (own.subject() != subjectFor(domain) ||
      own.notAfter() < clock.now() + std::chrono::days(kAuthorityLeftMin)) {
    return fail(ErrorCode::InvalidArgument, "the authority is for another domain, or too old");
  }
  return std::shared_ptr<DevelopmentAuthority>(
      new DevelopmentAuthority(std::move(own), domain, clock));
}

Result<Certificate> DevelopmentAuthority::issueDefault() const {
  const std::array<std::string, 3> names{domain_, "127.0.0.1", "::1"};
  return Certificate::issued(own_, names, kLeafValidity, clock_);
}

Result<Certificate> DevelopmentAuthority::certificateFor(std::string_view serverName) {
  const std::string name = toLowerAscii(serverName);
  if (!isHostName(name) || (name != domain_ && !name.ends_with("." + domain_))) {
    return fail(ErrorCode::NotFound, "not a name below " + domain_);
  }
  const std::scoped_lock lock(mutex_);
  const auto found = issued_.find(name);
  const UnixMillis tomorrow = clock_.now() + std::chrono::days(1);
  if (found != issued_.end() && found->second.notAfter() > tomorrow) return found->second;
  ATOLL_TRY(Certificate made, Certificate::issued(own_, std::array{name}, kLeafValidity, clock_));
  if (issued_.size() >= kIssuedCountMax) issued_.clear();
  issued_.insert_or_assign(name, made);
  return made;
}

}  // namespace atolld::tls
