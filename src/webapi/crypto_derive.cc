// Key derivation behind isolates/web/crypto_derive.js: HKDF at once, PBKDF2 and Argon2 by the host.
// https://w3c.github.io/webcrypto/#hkdf #pbkdf2 https://wicg.github.io/webcrypto-modern-algos/

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/check.h"
#include "webapi/bytes.h"
#include "webapi/crypto_text.h"
#include "webapi/natives.h"

namespace atolld::webapi {
namespace {

using Kdf = Owned<EVP_KDF, &EVP_KDF_free>;
using KdfContext = Owned<EVP_KDF_CTX, &EVP_KDF_CTX_free>;

constexpr std::uint32_t kDerivedBytesMax = 1024 * 1024;

/// A secret copied for another thread: wiped when it goes.
class Secret {
 public:
  explicit Secret(std::string_view bytes) : bytes_(bytes) {}
  Secret(Secret&& other) noexcept : bytes_(std::move(other.bytes_)) {}
  Secret& operator=(Secret&&) = delete;
  ~Secret() { OPENSSL_cleanse(bytes_.data(), bytes_.size()); }

  std::string& bytes() noexcept { return bytes_; }

 private:
  std::string bytes_;
};

/// pbkdf2(hash name, password, salt, iterations, length in bytes, op, slot) -> ArrayBuffer, or the
/// op's answer
void pbkdf2(const v8::FunctionCallbackInfo<v8::Value>& info) noexcept {
  v8::Isolate* const isolate = info.GetIsolate();
  const EVP_MD* const type = digestNamed(textOf(isolate, info[0]));
  const BufferView password(info[1]), salt(info[2]);
  constexpr std::uint32_t kIterationsMax = 10'000'000;
  const std::uint32_t iterations = numberOf(info[3]), length = numberOf(info[4]);
  if (type == nullptr || !password.ok() || !salt.ok() || iterations == 0 || length == 0 ||
      iterations > kIterationsMax || length > kDerivedBytesMax) {
    return throwTypeError(isolate, "pbkdf2: wrong arguments");
  }
  compute(info, 5,
          [type, iterations, length, password = Secret(password.bytes()),
           salt = std::string(salt.bytes())]() mutable -> Result<Bytes> {
            std::string out(length, '\0');
            const std::string& secret = password.bytes();
            if (PKCS5_PBKDF2_HMAC(secret.data(), static_cast<int>(secret.size()), octets(salt),
                                  static_cast<int>(salt.size()), static_cast<int>(iterations), type,
                                  static_cast<int>(length), octets(out)) != 1) {
              ERR_clear_error();
              return fail(ErrorCode::InvalidArgument, "PBKDF2 failed");
            }
            return Bytes(std::move(out));
          });
}

/// What RFC 9106 section 3.1 calls the inputs, without the tag's length.
struct Argon2 {
  std::string name;
  Secret message, key;
  std::string nonce, data;
  std::uint32_t lanes, memory, passes, version, length;

  Result<Bytes> run() {
    const Kdf kdf(EVP_KDF_fetch(nullptr, name.c_str(), nullptr));
    const KdfContext context(kdf ? EVP_KDF_CTX_new(kdf.get()) : nullptr);
    std::uint32_t threads = 1;
    std::vector<OSSL_PARAM> params;
    const auto text = [&params](const char* what, std::string& value) {
      params.push_back(OSSL_PARAM_construct_octet_string(what, value.data(), value.size()));
    };
    const auto number = [&params](const char* what, std::uint32_t& value) {
      params.push_back(OSSL_PARAM_construct_uint32(what, &value));
    };
    text(OSSL_KDF_PARAM_PASSWORD, message.bytes());
    text(OSSL_KDF_PARAM_SALT, nonce);
    if (!key.bytes().empty()) text(OSSL_KDF_PARAM_SECRET, key.bytes());
    if (!data.empty()) text(OSSL_KDF_PARAM_ARGON2_AD, data);
    number(OSSL_KDF_PARAM_THREADS, threads);
    number(OSSL_KDF_PARAM_ARGON2_LANES, lanes);
    number(OSSL_KDF_PARAM_ARGON2_MEMCOST, memory);
    number(OSSL_KDF_PARAM_ITER, passes);
    number(OSSL_KDF_PARAM_ARGON2_VERSION, version);
    params.push_back(OSSL_PARAM_construct_end());
    std::string out(length, '\0');
    const bool done =
        context && EVP_KDF_derive(context.get(), octets(out), out.size(), params.data()) == 1;
    ERR_clear_error();
    if (!done) return fail(ErrorCode::InvalidArgument, "Argon2 cannot work with these parameters");
    return Bytes(std::move(out));
  }
};

/// argon2(name, message, nonce, lanes, memory in KiB, passes, version, secret, associated data,
/// length in bytes, op, slot) -> ArrayBuffer, or the op's answer
void argon2(const v8::FunctionCallbackInfo<v8::Value>& info) noexcept {
  v8::Isolate* const isolate = info.GetIsolate();
  constexpr std::array<std::string_view, 3> kNames{"Argon2d", "Argon2i", "Argon2id"};
  constexpr std::uint32_t kMemoryMax = 64 * 1024, kPassesMax = 1000, kLanesMax = 255;
  const std::string name = textOf(isolate, info[0]);
  const BufferView message(info[1]), nonce(info[2]), key(info[7]), data(info[8]);
  Argon2 job{.name = name,
             .message = Secret(message.bytes()),
             .key = Secret(key.bytes()),
             .nonce = std::string(nonce.bytes()),
             .data = std::string(data.bytes()),
             .lanes = numberOf(info[3]),
             .memory = numberOf(info[4]),
             .passes = numberOf(info[5]),
             .version = numberOf(info[6]),
             .length = numberOf(info[9])};
  if (std::ranges::find(kNames, name) == kNames.end() || !message.ok() || !nonce.ok() ||
      !key.ok() || !data.ok() || job.lanes > kLanesMax || job.memory > kMemoryMax ||
      job.passes > kPassesMax || job.length > kDerivedBytesMax) {
    return throwTypeError(isolate, "argon2: wrong arguments");
  }
  compute(info, 10, [job = std::move(job)]() mutable { return job.run(); });
}

/// https://www.rfc-editor.org/rfc/rfc5869, with HMAC as the only tool.
std::string hkdfOf(const EVP_MD* type, std::string_view secret, std::string_view salt,
                   std::string_view info, std::size_t length) {
  const auto mac = [&](std::string_view key, std::string_view text) {
    std::string out(EVP_MAX_MD_SIZE, '\0');
    unsigned int size = 0;
    key = given(key);
    ATOLL_CHECK(HMAC(type, key.data(), static_cast<int>(key.size()), octets(text), text.size(),
                     octets(out), &size) != nullptr);
    out.resize(size);
    return out;
  };
  const std::string key = mac(salt, secret);
  std::string out, block;
  for (unsigned counter = 1; out.size() < length; ++counter) {
    block = mac(key, block + std::string(info) + static_cast<char>(counter));
    out += block;
  }
  out.resize(length);
  return out;
}

/// hkdf(hash name, secret, salt, info, length in bytes) -> ArrayBuffer; undefined if that is too
/// long
void hkdf(const v8::FunctionCallbackInfo<v8::Value>& info) noexcept {
  v8::Isolate* const isolate = info.GetIsolate();
  const EVP_MD* const type = digestNamed(textOf(isolate, info[0]));
  const BufferView secret(info[1]), salt(info[2]), context(info[3]);
  if (type == nullptr || !secret.ok() || !salt.ok() || !context.ok() || !info[4]->IsUint32()) {
    return throwTypeError(isolate, "hkdf: wrong arguments");
  }
  const std::uint32_t length = numberOf(info[4]);
  if (length > 255u * static_cast<std::uint32_t>(EVP_MD_get_size(type))) return;
  giveBuffer(info, hkdfOf(type, secret.bytes(), salt.bytes(), context.bytes(), length));
}

constexpr std::array kNatives{isolate::Native{"pbkdf2", &pbkdf2},
                              isolate::Native{"argon2", &argon2}, isolate::Native{"hkdf", &hkdf}};

}  // namespace

std::span<const isolate::Native> deriveNatives() { return kNatives; }

}  // namespace atolld::webapi
