// Hashes, MACs, ciphers and key derivation for node:crypto (isolates/node/src/crypto.js).
// A wrong argument is answered by a TypeError and nothing finer: JavaScript has checked them all.

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/hmac.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include <array>
#include <optional>
#include <vector>

#include "webapi/bytes.h"
#include "webapi/crypto_text.h"
#include "webapi/held.h"
#include "webapi/natives.h"

namespace atolld::webapi {
namespace {

using Info = v8::FunctionCallbackInfo<v8::Value>;
using Digest = Owned<EVP_MD, &EVP_MD_free>;
using DigestContext = Owned<EVP_MD_CTX, &EVP_MD_CTX_free>;
using MacContext = Owned<EVP_MAC_CTX, &EVP_MAC_CTX_free>;
using CipherContext = Owned<EVP_CIPHER_CTX, &EVP_CIPHER_CTX_free>;
using FetchedCipher = Owned<EVP_CIPHER, &EVP_CIPHER_free>;

constexpr std::size_t kHandleBytes = 1024;
constexpr std::uint32_t kOutputBytesMax = 1024 * 1024;

std::uint32_t numberOf(v8::Local<v8::Value> value) {
  return value->IsUint32() ? value.As<v8::Uint32>()->Value() : 0;
}

Digest fetchDigest(std::string_view name) {
  std::string plain(name.starts_with("RSA-") || name.starts_with("rsa-") ? name.substr(4) : name);
  Digest digest(EVP_MD_fetch(nullptr, plain.c_str(), nullptr));
  ERR_clear_error();
  return digest;
}

struct Hash {
  DigestContext digest;
  MacContext mac;  ///< Instead, if there was a key.
};

/// nodeHashNew(name, HMAC key or undefined) -> handle; undefined if there is no such digest
void hashNew(const Info& info) noexcept {
  v8::Isolate* const isolate = info.GetIsolate();
  const Digest digest = fetchDigest(textOf(isolate, info[0]));
  if (!digest) return;
  auto hash = std::make_unique<Hash>();
  const BufferView key(info[1]);
  if (key.ok()) {
    const Owned<EVP_MAC, &EVP_MAC_free> mac(EVP_MAC_fetch(nullptr, "HMAC", nullptr));
    hash->mac.reset(EVP_MAC_CTX_new(mac.get()));
    std::string name(EVP_MD_get0_name(digest.get()));
    const std::array params{
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name.data(), name.size()),
        OSSL_PARAM_construct_end()};
    const std::string_view bytes = key.bytes().empty() ? std::string_view("") : key.bytes();
    if (EVP_MAC_init(hash->mac.get(), octets(bytes), bytes.size(), params.data()) != 1) {
      ERR_clear_error();
      return;
    }
  } else {
    hash->digest.reset(EVP_MD_CTX_new());
    if (EVP_DigestInit_ex2(hash->digest.get(), digest.get(), nullptr) != 1) {
      ERR_clear_error();
      return;
    }
  }
  info.GetReturnValue().Set(Held<Hash>::give(isolate, std::move(hash), kHandleBytes));
}

/// nodeHashUpdate(handle, bytes)
void hashUpdate(const Info& info) noexcept {
  Hash* const hash = Held<Hash>::find(info[0]);
  const BufferView data(info[1]);
  if (hash == nullptr || !data.ok()) {
    return throwTypeError(info.GetIsolate(), "hashUpdate: no hash, or no bytes");
  }
  if (hash->mac) {
    EVP_MAC_update(hash->mac.get(), octets(data.bytes()), data.bytes().size());
  } else {
    EVP_DigestUpdate(hash->digest.get(), data.bytes().data(), data.bytes().size());
  }
}

/// nodeHashCopy(handle) -> handle
void hashCopy(const Info& info) noexcept {
  const Hash* const hash = Held<Hash>::find(info[0]);
  if (hash == nullptr || hash->mac) return throwTypeError(info.GetIsolate(), "hashCopy: no hash");
  auto copy = std::make_unique<Hash>();
  copy->digest.reset(EVP_MD_CTX_new());
  if (EVP_MD_CTX_copy_ex(copy->digest.get(), hash->digest.get()) != 1) return ERR_clear_error();
  info.GetReturnValue().Set(Held<Hash>::give(info.GetIsolate(), std::move(copy), kHandleBytes));
}

/// nodeHashFinal(handle, output length of an extendable digest or undefined) -> bytes; undefined if
/// the digest cannot be that long
void hashFinal(const Info& info) noexcept {
  Hash* const hash = Held<Hash>::find(info[0]);
  if (hash == nullptr) return throwTypeError(info.GetIsolate(), "hashFinal: no hash");
  std::string out(EVP_MAX_MD_SIZE, '\0');
  bool done = false;
  if (hash->mac) {
    std::size_t length = 0;
    done = EVP_MAC_final(hash->mac.get(), octets(out), &length, out.size()) == 1;
    out.resize(done ? length : 0);
  } else if (info[1]->IsUint32() &&
             (EVP_MD_get_flags(EVP_MD_CTX_get0_md(hash->digest.get())) & EVP_MD_FLAG_XOF) != 0) {
    out.resize(std::min(numberOf(info[1]), kOutputBytesMax));
    done = EVP_DigestFinalXOF(hash->digest.get(), octets(out), out.size()) == 1;
  } else {
    unsigned int length = 0;
    done = EVP_DigestFinal_ex(hash->digest.get(), octets(out), &length) == 1;
    out.resize(done ? length : 0);
    done = done && (!info[1]->IsUint32() || numberOf(info[1]) == length);
  }
  ERR_clear_error();
  if (done) giveBytes(info, out);
}

struct Cipher {
  CipherContext context;
  bool encrypts = true;
  bool authenticates = false;
  std::uint32_t tagBytes = 16;
};

/// nodeCipherInfo(name) -> [key bytes, iv bytes, block bytes, mode, canonical name]; undefined if
/// there is none
void cipherInfo(const Info& info) noexcept {
  v8::Isolate* const isolate = info.GetIsolate();
  const FetchedCipher cipher(EVP_CIPHER_fetch(nullptr, textOf(isolate, info[0]).c_str(), nullptr));
  ERR_clear_error();
  if (!cipher) return;
  v8::Local<v8::String> name;
  if (!stringOfLatin1(isolate, EVP_CIPHER_get0_name(cipher.get())).ToLocal(&name)) return;
  std::array<v8::Local<v8::Value>, 5> parts{
      v8::Integer::New(isolate, EVP_CIPHER_get_key_length(cipher.get())),
      v8::Integer::New(isolate, EVP_CIPHER_get_iv_length(cipher.get())),
      v8::Integer::New(isolate, EVP_CIPHER_get_block_size(cipher.get())),
      v8::Integer::New(isolate, EVP_CIPHER_get_mode(cipher.get())), name};
  info.GetReturnValue().Set(v8::Array::New(isolate, parts.data(), parts.size()));
}

bool isAead(const EVP_CIPHER* cipher) {
  return (EVP_CIPHER_get_flags(cipher) & EVP_CIPH_FLAG_AEAD_CIPHER) != 0 &&
         EVP_CIPHER_get_mode(cipher) != EVP_CIPH_CCM_MODE;
}

/// nodeCipherNew(name, encrypt, key, iv, tag bytes) -> handle; undefined if it cannot be
void cipherNew(const Info& info) noexcept {
  v8::Isolate* const isolate = info.GetIsolate();
  const FetchedCipher type(EVP_CIPHER_fetch(nullptr, textOf(isolate, info[0]).c_str(), nullptr));
  const BufferView key(info[2]), iv(info[3]);
  auto cipher = std::make_unique<Cipher>();
  cipher->context.reset(EVP_CIPHER_CTX_new());
  cipher->encrypts = info[1]->IsTrue();
  if (info[4]->IsUint32()) cipher->tagBytes = std::min(numberOf(info[4]), 16u);
  ERR_clear_error();
  if (!type || !key.ok() || !iv.ok() || EVP_CIPHER_get_mode(type.get()) == EVP_CIPH_CCM_MODE ||
      EVP_CIPHER_get_mode(type.get()) == EVP_CIPH_XTS_MODE ||
      key.bytes().size() != static_cast<std::size_t>(EVP_CIPHER_get_key_length(type.get()))) {
    return;
  }
  cipher->authenticates = isAead(type.get());
  EVP_CIPHER_CTX* const context = cipher->context.get();
  const int encrypt = cipher->encrypts ? 1 : 0;
  const auto ivBytes = static_cast<int>(iv.bytes().size());
  const bool ready =
      EVP_CipherInit_ex2(context, type.get(), nullptr, nullptr, encrypt, nullptr) == 1 &&
      (cipher->authenticates ? ivBytes > 0 && EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_IVLEN,
                                                                  ivBytes, nullptr) == 1
                             : ivBytes == EVP_CIPHER_get_iv_length(type.get())) &&
      EVP_CipherInit_ex2(context, nullptr, octets(key.bytes()),
                         ivBytes == 0 ? nullptr : octets(iv.bytes()), encrypt, nullptr) == 1;
  ERR_clear_error();
  if (ready)
    info.GetReturnValue().Set(Held<Cipher>::give(isolate, std::move(cipher), kHandleBytes));
}

/// nodeCipherSet(handle, "padding" | "aad" | "tag", value) -> whether it was taken
void cipherSet(const Info& info) noexcept {
  Cipher* const cipher = Held<Cipher>::find(info[0]);
  if (cipher == nullptr) return throwTypeError(info.GetIsolate(), "cipherSet: no cipher");
  const std::string what = textOf(info.GetIsolate(), info[1]);
  const BufferView bytes(info[2]);
  EVP_CIPHER_CTX* const context = cipher->context.get();
  bool done = false;
  if (what == "padding") {
    done = EVP_CIPHER_CTX_set_padding(context, info[2]->IsTrue() ? 1 : 0) == 1;
  } else if (what == "aad" && bytes.ok() && cipher->authenticates) {
    int length = 0;
    done =
        bytes.bytes().empty() || EVP_CipherUpdate(context, nullptr, &length, octets(bytes.bytes()),
                                                  static_cast<int>(bytes.bytes().size())) == 1;
  } else if (what == "tag" && bytes.ok() && cipher->authenticates && !cipher->encrypts &&
             bytes.bytes().size() <= 16) {
    std::string tag(bytes.bytes());
    done = EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, static_cast<int>(tag.size()),
                               tag.data()) == 1;
  }
  ERR_clear_error();
  info.GetReturnValue().Set(done);
}

/// nodeCipherUpdate(handle, bytes) -> bytes; undefined if it fails
void cipherUpdate(const Info& info) noexcept {
  Cipher* const cipher = Held<Cipher>::find(info[0]);
  const BufferView data(info[1]);
  if (cipher == nullptr || !data.ok() || data.bytes().size() > 0x7fffff00) {
    return throwTypeError(info.GetIsolate(), "cipherUpdate: no cipher, or no bytes");
  }
  std::string out(data.bytes().size() + EVP_MAX_BLOCK_LENGTH, '\0');
  int length = 0;
  const bool done =
      data.bytes().empty() ||
      EVP_CipherUpdate(cipher->context.get(), octets(out), &length, octets(data.bytes()),
                       static_cast<int>(data.bytes().size())) == 1;
  ERR_clear_error();
  out.resize(static_cast<std::size_t>(length));
  if (done) giveBytes(info, out);
}

/// nodeCipherFinal(handle) -> bytes; undefined if it does not authenticate or has wrong padding
void cipherFinal(const Info& info) noexcept {
  Cipher* const cipher = Held<Cipher>::find(info[0]);
  if (cipher == nullptr) return throwTypeError(info.GetIsolate(), "cipherFinal: no cipher");
  std::string out(EVP_MAX_BLOCK_LENGTH, '\0');
  int length = 0;
  const bool done = EVP_CipherFinal_ex(cipher->context.get(), octets(out), &length) == 1;
  ERR_clear_error();
  out.resize(static_cast<std::size_t>(length));
  if (done) giveBytes(info, out);
}

/// nodeCipherTag(handle) -> bytes; undefined before the end or where there is none
void cipherTag(const Info& info) noexcept {
  Cipher* const cipher = Held<Cipher>::find(info[0]);
  if (cipher == nullptr || !cipher->authenticates || !cipher->encrypts) return;
  std::string tag(cipher->tagBytes, '\0');
  const bool done = EVP_CIPHER_CTX_ctrl(cipher->context.get(), EVP_CTRL_AEAD_GET_TAG,
                                        static_cast<int>(tag.size()), tag.data()) == 1;
  ERR_clear_error();
  if (done) giveBytes(info, tag);
}

/// nodeDeriveKey("pbkdf2", digest, password, salt, iterations, length)
/// nodeDeriveKey("hkdf", digest, key, salt, info, length)
/// nodeDeriveKey("scrypt", password, salt, N, r, p, length) -> bytes; undefined if it cannot be
void deriveKey(const Info& info) noexcept {
  v8::Isolate* const isolate = info.GetIsolate();
  const std::string kind = textOf(isolate, info[0]);
  std::string out(std::min(numberOf(info[kind == "scrypt" ? 6 : 5]), kOutputBytesMax), '\0');
  bool done = false;
  if (kind == "scrypt") {
    const BufferView password(info[1]), salt(info[2]);
    const std::uint64_t n = numberOf(info[3]), r = numberOf(info[4]), p = numberOf(info[5]);
    constexpr std::uint64_t kCostMax = 1 << 20;
    if (!password.ok() || !salt.ok() || n > kCostMax || r > kCostMax || p > kCostMax ||
        n * r > kCostMax || n * r * p > kCostMax) {
      return;
    }
    const std::string secret(password.bytes());
    done = out.empty() ||
           EVP_PBE_scrypt(secret.data(), secret.size(), octets(salt.bytes()), salt.bytes().size(),
                          n, r, p, 256ull * kCostMax, octets(out), out.size()) == 1;
  } else {
    const Digest digest = fetchDigest(textOf(isolate, info[1]));
    const BufferView secret(info[2]), salt(info[3]);
    if (!digest || !secret.ok() || !salt.ok()) return;
    const std::string key(secret.bytes()), spice(salt.bytes());  // Never null pointers.
    if (kind == "pbkdf2") {
      constexpr std::uint32_t kIterationsMax = 1'000'000;
      const std::uint32_t iterations = numberOf(info[4]);
      done = iterations > 0 && iterations <= kIterationsMax &&
             (out.empty() ||
              PKCS5_PBKDF2_HMAC(key.data(), static_cast<int>(key.size()), octets(spice),
                                static_cast<int>(spice.size()), static_cast<int>(iterations),
                                digest.get(), static_cast<int>(out.size()), octets(out)) == 1);
    } else if (kind == "hkdf") {
      const BufferView context(info[4]);
      if (!context.ok() ||
          out.size() > 255u * static_cast<std::size_t>(EVP_MD_get_size(digest.get()))) {
        return;
      }
      std::string label(context.bytes()), name(EVP_MD_get0_name(digest.get()));
      std::string keyCopy = key, saltCopy = spice;
      const std::array params{
          OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, name.data(), name.size()),
          OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, keyCopy.data(), keyCopy.size()),
          OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, saltCopy.data(), saltCopy.size()),
          OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, label.data(), label.size()),
          OSSL_PARAM_construct_end()};
      const Owned<EVP_KDF, &EVP_KDF_free> kdf(EVP_KDF_fetch(nullptr, "HKDF", nullptr));
      const Owned<EVP_KDF_CTX, &EVP_KDF_CTX_free> kdfContext(EVP_KDF_CTX_new(kdf.get()));
      done = out.empty() ||
             EVP_KDF_derive(kdfContext.get(), octets(out), out.size(), params.data()) == 1;
    }
  }
  ERR_clear_error();
  if (done) giveBytes(info, out);
}

constexpr std::array kNatives{isolate::Native{"nodeHashNew", &hashNew},
                              isolate::Native{"nodeHashUpdate", &hashUpdate},
                              isolate::Native{"nodeHashCopy", &hashCopy},
                              isolate::Native{"nodeHashFinal", &hashFinal},
                              isolate::Native{"nodeCipherInfo", &cipherInfo},
                              isolate::Native{"nodeCipherNew", &cipherNew},
                              isolate::Native{"nodeCipherSet", &cipherSet},
                              isolate::Native{"nodeCipherUpdate", &cipherUpdate},
                              isolate::Native{"nodeCipherFinal", &cipherFinal},
                              isolate::Native{"nodeCipherTag", &cipherTag},
                              isolate::Native{"nodeDeriveKey", &deriveKey}};

}  // namespace

std::span<const isolate::Native> nodeHashNatives() { return kNatives; }

}  // namespace atolld::webapi
