#include "store/crypto.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include "base/check.h"

namespace atolld::store {
namespace {

/// Looked up once: that costs more than the hash of an entry.
const EVP_MD* sha256Method() {
  static const EVP_MD* const kMethod = EVP_MD_fetch(nullptr, "SHA2-256", nullptr);
  return kMethod;
}

unsigned char* bytesOf(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }

}  // namespace

struct Sha256::State {
  State() : context(EVP_MD_CTX_new()) {
    // Only a failed allocation or a broken OpenSSL installation fails here.
    ATOLL_CHECK(context != nullptr && EVP_DigestInit_ex(context, sha256Method(), nullptr) == 1);
  }
  ~State() { EVP_MD_CTX_free(context); }
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  EVP_MD_CTX* context;
};

Sha256::Sha256() : state_(std::make_unique<State>()) {}
Sha256::~Sha256() = default;

Sha256& Sha256::update(std::string_view bytes) {
  ATOLL_CHECK(EVP_DigestUpdate(state_->context, bytes.data(), bytes.size()) == 1);
  return *this;
}

std::string Sha256::finish() {
  std::string hash(kHashBytes, '\0');
  ATOLL_CHECK(EVP_DigestFinal_ex(state_->context, bytesOf(hash), nullptr) == 1);
  return hash;
}

std::string sha256(std::string_view bytes) { return Sha256().update(bytes).finish(); }

std::string randomBytes(std::size_t count) {
  std::string bytes(count, '\0');
  ATOLL_CHECK(RAND_bytes(bytesOf(bytes), static_cast<int>(count)) == 1);
  return bytes;
}

bool equalInConstantTime(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace atolld::store
