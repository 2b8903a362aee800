#include "tls/certificate_store.h"

#include <utility>

#include "base/encoding.h"

namespace atolld::tls {

void Certificates::add(const Certificate& certificate) {
  for (const std::string& name : certificate.names()) add(name, certificate);
}

void Certificates::add(std::string_view name, const Certificate& certificate) {
  byName_.insert_or_assign(toLowerAscii(name), certificate);
}

const Certificate* Certificates::find(std::string_view serverName) const {
  std::string name = toLowerAscii(serverName);
  // "*" is how wildcards are kept; as a name somebody asks for it is nobody's.
  if (name.empty() || name.front() == '*') return nullptr;
  if (const auto exact = byName_.find(name); exact != byName_.end()) return &exact->second;
  const std::size_t dot = name.find('.');
  if (dot == std::string::npos || dot == 0) return nullptr;
  name.replace(0, dot, "*");
  const auto wildcard = byName_.find(name);
  return wildcard != byName_.end() ? &wildcard->second : nullptr;
}

std::shared_ptr<const Certificates> CertificateStore::current() const {
  const std::lock_guard lock(mutex_);
  return current_;
}

void CertificateStore::replace(Certificates certificates) {
  auto next = std::make_shared<const Certificates>(std::move(certificates));
  const std::lock_guard lock(mutex_);
  current_.swap(next);  // The old one goes after the lock does.
}

}  // namespace atolld::tls
