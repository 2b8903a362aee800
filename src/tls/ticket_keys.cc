#include "tls/ticket_keys.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include <algorithm>

namespace atolld::tls {

TicketKeys::Key::~Key() {
  OPENSSL_cleanse(cipherKey.data(), cipherKey.size());
  OPENSSL_cleanse(macKey.data(), macKey.size());
}

TicketKeys::TicketKeys(const Clock& clock, std::chrono::minutes period)
    : clock_(clock), period_(period) {}

bool TicketKeys::rotate() {
  const MonotonicTime now = clock_.monotonic();
  if (!keys_.empty() && now - newestSince_ < period_) return true;
  // Nobody asked for several periods: what would have rotated out is out.
  if (!keys_.empty() && now - newestSince_ >= period_ * kKeptCount) keys_.clear();
  Key key;
  if (RAND_bytes(key.name.data(), key.name.size()) != 1 ||
      RAND_bytes(key.cipherKey.data(), key.cipherKey.size()) != 1 ||
      RAND_bytes(key.macKey.data(), key.macKey.size()) != 1) {
    return false;
  }
  keys_.push_front(key);
  if (keys_.size() > kKeptCount) keys_.pop_back();
  newestSince_ = now;
  return true;
}

std::optional<TicketKeys::Key> TicketKeys::current() {
  const std::lock_guard lock(mutex_);
  if (!rotate()) return std::nullopt;
  return keys_.front();
}

std::optional<TicketKeys::Found> TicketKeys::find(std::span<const unsigned char> name) {
  const std::lock_guard lock(mutex_);
  if (!rotate()) return std::nullopt;
  for (std::size_t i = 0; i < keys_.size(); ++i) {
    if (std::ranges::equal(keys_[i].name, name)) return Found{keys_[i], i == 0};
  }
  return std::nullopt;
}

}  // namespace atolld::tls
