#include "store/cluster_key.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <algorithm>
#include <memory>
#include <optional>

#include "base/check.h"
#include "base/encoding.h"
#include "store/crypto.h"

namespace atolld::store {
namespace {

constexpr char kFormat = 1;
constexpr std::size_t kIdBytes = 8;
constexpr std::size_t kNonceBytes = 12;
constexpr std::size_t kTagBytes = 16;
constexpr std::size_t kOverheadBytes = kNonceBytes + kTagBytes;
constexpr std::size_t kDataKeyBytes = 32;
constexpr std::size_t kWrappedBytes = kDataKeyBytes + kOverheadBytes;
constexpr std::size_t kHeadBytes = 1 + kIdBytes + kWrappedBytes;

struct FreeContext {
  void operator()(EVP_CIPHER_CTX* context) const noexcept { EVP_CIPHER_CTX_free(context); }
};
using CipherContext = std::unique_ptr<EVP_CIPHER_CTX, FreeContext>;

const unsigned char* bytesOf(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}
unsigned char* bytesOf(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }

// A context of either direction with key, nonce and the bound text in it.
CipherContext begin(bool isSealing, std::string_view key, std::string_view nonce,
                    std::string_view bound) {
  CipherContext context(EVP_CIPHER_CTX_new());
  int size = 0;
  // Only a failed allocation or a broken OpenSSL installation fails here.
  ATOLL_CHECK(context && EVP_CipherInit_ex(context.get(), EVP_aes_256_gcm(), nullptr, bytesOf(key),
                                           bytesOf(nonce), isSealing ? 1 : 0) == 1);
  ATOLL_CHECK(EVP_CipherUpdate(context.get(), nullptr, &size, bytesOf(bound),
                               static_cast<int>(bound.size())) == 1);
  return context;
}

// Nonce, ciphertext, tag.
std::string encrypt(std::string_view key, std::string_view bound, std::string_view plain) {
  std::string out = randomBytes(kNonceBytes);
  const CipherContext context = begin(true, key, out, bound);
  out.resize(kNonceBytes + plain.size() + kTagBytes);
  unsigned char* const cipher = bytesOf(out) + kNonceBytes;
  int size = 0;
  ATOLL_CHECK(EVP_CipherUpdate(context.get(), cipher, &size, bytesOf(plain),
                               static_cast<int>(plain.size())) == 1);
  ATOLL_CHECK(EVP_CipherFinal_ex(context.get(), cipher + size, &size) == 1);
  ATOLL_CHECK(EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_GET_TAG, kTagBytes,
                                  cipher + plain.size()) == 1);
  return out;
}

// Nothing if it is not what encrypt() made of this key and text.
std::optional<std::string> decrypt(std::string_view key, std::string_view bound,
                                   std::string_view sealed) {
  if (sealed.size() < kOverheadBytes) return std::nullopt;
  const CipherContext context = begin(false, key, sealed.substr(0, kNonceBytes), bound);
  const std::string_view cipher = sealed.substr(kNonceBytes, sealed.size() - kOverheadBytes);
  std::string tag(sealed.substr(sealed.size() - kTagBytes));
  std::string plain(cipher.size(), '\0');
  int size = 0;
  ATOLL_CHECK(EVP_CipherUpdate(context.get(), bytesOf(plain), &size, bytesOf(cipher),
                               static_cast<int>(cipher.size())) == 1);
  ATOLL_CHECK(EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_SET_TAG, kTagBytes, bytesOf(tag)) ==
              1);
  if (EVP_CipherFinal_ex(context.get(), bytesOf(plain) + size, &size) == 1) return plain;
  OPENSSL_cleanse(plain.data(), plain.size());
  return std::nullopt;
}

std::string_view withoutLineEnd(std::string_view text) {
  while (text.ends_with('\n') || text.ends_with('\r')) text.remove_suffix(1);
  return text;
}

}  // namespace

ClusterKey::~ClusterKey() { OPENSSL_cleanse(key_.data(), key_.size()); }

ClusterKey ClusterKey::random() {
  ClusterKey made;
  std::ranges::copy(randomBytes(kKeyBytes), made.key_.begin());
  return made;
}

Result<ClusterKey> ClusterKey::parse(std::string_view text) {
  const auto bytes = parseHex(withoutLineEnd(text));
  if (!bytes || bytes->size() != kKeyBytes) {
    return fail(ErrorCode::InvalidArgument, "a cluster key is 64 hexadecimal digits");
  }
  ClusterKey made;
  std::ranges::copy(*bytes, made.key_.begin());
  return made;
}

std::string ClusterKey::toText() const { return toHex({key_.data(), key_.size()}); }

std::string ClusterKey::id() const {
  const std::string named = "atoll cluster key " + toText();
  return sha256(named).substr(0, kIdBytes);
}

std::string ClusterKey::seal(std::string_view context, std::string_view plain) const {
  std::string dataKey = randomBytes(kDataKeyBytes);
  std::string sealed = kFormat + id();
  sealed += encrypt({key_.data(), key_.size()}, context, dataKey);
  sealed += encrypt(dataKey, context, plain);
  OPENSSL_cleanse(dataKey.data(), dataKey.size());
  return sealed;
}

Result<std::string> ClusterKey::open(std::string_view context, std::string_view sealed) const {
  if (sealed.size() < kHeadBytes + kOverheadBytes || sealed.front() != kFormat) {
    return fail(ErrorCode::Corrupt, "a sealed value has an unknown form");
  }
  if (sealed.substr(1, kIdBytes) != id()) {
    return fail(ErrorCode::Unavailable,
                "a secret was sealed with another cluster key than this node's: restore the "
                "cluster.key file that the data directory was made with");
  }
  auto dataKey =
      decrypt({key_.data(), key_.size()}, context, sealed.substr(1 + kIdBytes, kWrappedBytes));
  if (dataKey) {
    auto plain = decrypt(*dataKey, context, sealed.substr(kHeadBytes));
    OPENSSL_cleanse(dataKey->data(), dataKey->size());
    if (plain) return *std::move(plain);
  }
  return fail(ErrorCode::Corrupt, "a sealed value is not what its key and owner say");
}

}  // namespace atolld::store
