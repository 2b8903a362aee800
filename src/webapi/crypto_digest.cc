// Random values, digests, HMAC and key derivation behind isolates/web/crypto*.js.
// https://w3c.github.io/webcrypto/

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/hmac.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <openssl/rand.h>

#include <array>

#include "base/check.h"
#include "webapi/bytes.h"
#include "webapi/crypto_text.h"
#include "webapi/natives.h"

namespace atolld::webapi {

const EVP_MD* digestNamed(std::string_view name) {
  // Fetched once: a fetch at each use costs more than hashing a short text.
  static const std::array<std::pair<std::string_view, const EVP_MD*>, 5> kDigests{{
      {"SHA-256", EVP_MD_fetch(nullptr, "SHA2-256", nullptr)},
      {"SHA-1", EVP_MD_fetch(nullptr, "SHA1", nullptr)},
      {"SHA-384", EVP_MD_fetch(nullptr, "SHA2-384", nullptr)},
      {"SHA-512", EVP_MD_fetch(nullptr, "SHA2-512", nullptr)},
      {"MD5", EVP_MD_fetch(nullptr, "MD5", nullptr)},
  }};
  for (const auto& [known, digest] : kDigests) {
    if (known == name) return digest;
  }
  return nullptr;
}

std::string textOf(v8::Isolate* isolate, v8::Local<v8::Value> value) {
  return value->IsString() ? utf8Of(isolate, value.As<v8::String>()) : std::string();
}

void giveBuffer(const v8::FunctionCallbackInfo<v8::Value>& info, std::string_view bytes) {
  v8::Local<v8::Uint8Array> array;
  if (uint8ArrayOf(info.GetIsolate(), bytes).ToLocal(&array)) {
    info.GetReturnValue().Set(array->Buffer());
  }
}

void giveBytes(const v8::FunctionCallbackInfo<v8::Value>& info, std::string_view bytes) {
  v8::Local<v8::Uint8Array> array;
  if (uint8ArrayOf(info.GetIsolate(), bytes).ToLocal(&array)) info.GetReturnValue().Set(array);
}

namespace {

constexpr std::uint32_t kDerivedBytesMax = 1024 * 1024;

/// OpenSSL takes a null pointer for "not given", even where the length is 0.
std::string_view given(std::string_view bytes) {
  return bytes.empty() ? std::string_view("") : bytes;
}

/// randomFill(view): the view's bytes become random.
void randomFill(const v8::FunctionCallbackInfo<v8::Value>& info) noexcept {
  if (!info[0]->IsArrayBufferView())
    return throwTypeError(info.GetIsolate(), "randomFill: no view");
  const auto view = info[0].As<v8::ArrayBufferView>();
  const std::size_t length = view->ByteLength();
  if (length == 0) return;
  auto* const target = static_cast<unsigned char*>(view->Buffer()->Data()) + view->ByteOffset();
  ATOLL_CHECK(RAND_bytes(target, static_cast<int>(length)) == 1);
}

/// randomUuid() -> string. https://w3c.github.io/webcrypto/#Crypto-method-randomUUID
void randomUuid(const v8::FunctionCallbackInfo<v8::Value>& info) noexcept {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::array<unsigned char, 16> bytes;
  ATOLL_CHECK(RAND_bytes(bytes.data(), bytes.size()) == 1);
  bytes[6] = static_cast<unsigned char>((bytes[6] & 0x0f) | 0x40);
  bytes[8] = static_cast<unsigned char>((bytes[8] & 0x3f) | 0x80);
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) text.push_back('-');
    text.push_back(kHex[bytes[i] >> 4]);
    text.push_back(kHex[bytes[i] & 15]);
  }
  v8::Local<v8::String> value;
  if (stringOfLatin1(info.GetIsolate(), text).ToLocal(&value)) info.GetReturnValue().Set(value);
}

/// digest(name, bytes) -> ArrayBuffer
void digest(const v8::FunctionCallbackInfo<v8::Value>& info) noexcept {
  v8::Isolate* const isolate = info.GetIsolate();
  const EVP_MD* const type = digestNamed(textOf(isolate, info[0]));
  const BufferView data(info[1]);
  if (type == nullptr || !data.ok()) return throwTypeError(isolate, "digest: wrong arguments");
  std::array<unsigned char, EVP_MAX_MD_SIZE> out;
  unsigned int length = 0;
  const std::string_view bytes = data.bytes();
  ATOLL_CHECK(EVP_Digest(bytes.data(), bytes.size(), out.data(), &length, type, nullptr) == 1);
  giveBuffer(info, {reinterpret_cast<const char*>(out.data()), length});
}

/// hmac(hash name, key, bytes) -> ArrayBuffer
void hmac(const v8::FunctionCallbackInfo<v8::Value>& info) noexcept {
  v8::Isolate* const isolate = info.GetIsolate();
  const EVP_MD* const type = digestNamed(textOf(isolate, info[0]));
  const BufferView key(info[1]);
  const BufferView data(info[2]);
  if (type == nullptr || !key.ok() || !data.ok() || key.bytes().size() > kDerivedBytesMax) {
    return throwTypeError(isolate, "hmac: wrong arguments");
  }
  std::array<unsigned char, EVP_MAX_MD_SIZE> out;
  unsigned int length = 0;
  const std::string_view keyBytes = given(key.bytes());
  ATOLL_CHECK(HMAC(type, keyBytes.data(), static_cast<int>(keyBytes.size()), octets(data.bytes()),
                   data.bytes().size(), out.data(), &length) != nullptr);
  giveBuffer(info, {reinterpret_cast<const char*>(out.data()), length});
}

/// sameBytes(a, b) -> boolean, in a time that depends on the lengths only; they must be equal.
void sameBytes(const v8::FunctionCallbackInfo<v8::Value>& info) noexcept {
  const BufferView a(info[0]);
  const BufferView b(info[1]);
  if (!a.ok() || !b.ok() || a.bytes().size() != b.bytes().size()) {
    return throwTypeError(info.GetIsolate(), "sameBytes: wants two of one length");
  }
  info.GetReturnValue().Set(a.bytes().empty() || CRYPTO_memcmp(a.bytes().data(), b.bytes().data(),
                                                               a.bytes().size()) == 0);
}

/// pbkdf2(hash name, password, salt, iterations, length in bytes) -> ArrayBuffer
void pbkdf2(const v8::FunctionCallbackInfo<v8::Value>& info) noexcept {
  v8::Isolate* const isolate = info.GetIsolate();
  const EVP_MD* const type = digestNamed(textOf(isolate, info[0]));
  const BufferView password(info[1]);
  const BufferView salt(info[2]);
  constexpr std::uint32_t kIterationsMax = 1'000'000;
  if (type == nullptr || !password.ok() || !salt.ok() || !info[3]->IsUint32() ||
      !info[4]->IsUint32() || info[3].As<v8::Uint32>()->Value() > kIterationsMax ||
      info[4].As<v8::Uint32>()->Value() > kDerivedBytesMax) {
    return throwTypeError(isolate, "pbkdf2: wrong arguments");
  }
  std::string out(info[4].As<v8::Uint32>()->Value(), '\0');
  const std::string_view secret = given(password.bytes());
  const std::string_view saltBytes = given(salt.bytes());
  if (!out.empty() && PKCS5_PBKDF2_HMAC(secret.data(), static_cast<int>(secret.size()),
                                        octets(saltBytes), static_cast<int>(saltBytes.size()),
                                        static_cast<int>(info[3].As<v8::Uint32>()->Value()), type,
                                        static_cast<int>(out.size()), octets(out)) != 1) {
    ERR_clear_error();
    return throwTypeError(isolate, "pbkdf2: failed");
  }
  giveBuffer(info, out);
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
  const BufferView secret(info[1]);
  const BufferView salt(info[2]);
  const BufferView context(info[3]);
  if (type == nullptr || !secret.ok() || !salt.ok() || !context.ok() || !info[4]->IsUint32()) {
    return throwTypeError(isolate, "hkdf: wrong arguments");
  }
  const std::uint32_t length = info[4].As<v8::Uint32>()->Value();
  if (length > 255u * static_cast<std::uint32_t>(EVP_MD_get_size(type))) return;
  giveBuffer(info, hkdfOf(type, secret.bytes(), salt.bytes(), context.bytes(), length));
}

constexpr std::array kNatives{isolate::Native{"randomFill", &randomFill},
                              isolate::Native{"randomUuid", &randomUuid},
                              isolate::Native{"digest", &digest},
                              isolate::Native{"hmac", &hmac},
                              isolate::Native{"sameBytes", &sameBytes},
                              isolate::Native{"pbkdf2", &pbkdf2},
                              isolate::Native{"hkdf", &hkdf}};

}  // namespace

std::span<const isolate::Native> digestNatives() { return kNatives; }

}  // namespace atolld::webapi
