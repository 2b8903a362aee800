// Asymmetric keys behind isolates/web/crypto_*.js: import, export, generation. A key is its DER on
// the script's side, kept there in a private field. https://w3c.github.io/webcrypto/

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/param_build.h>

#include <array>
#include <optional>
#include <vector>

#include "webapi/bytes.h"
#include "webapi/crypto_key.h"
#include "webapi/crypto_text.h"
#include "webapi/natives.h"

namespace atolld::webapi {
namespace {

using Big = Owned<BIGNUM, &BN_clear_free>;
using ParamBuilder = Owned<OSSL_PARAM_BLD, &OSSL_PARAM_BLD_free>;
using Params = Owned<OSSL_PARAM, &OSSL_PARAM_free>;

void giveDer(const v8::FunctionCallbackInfo<v8::Value>& info, EVP_PKEY* key, bool isPrivate,
             std::string_view type) {
  if (const auto der = derOf(key, isPrivate, type)) giveBytes(info, *der);
}

// ---- importing ----------------------------------------------------------------------------------

/// importDer(type, private, der) -> DER in normal form; undefined if it is not such a key, false if
/// it is one that has no normal form
void importDer(const v8::FunctionCallbackInfo<v8::Value>& info) noexcept {
  const std::string type = textOf(info.GetIsolate(), info[0]);
  const BufferView der(info[2]);
  if (!der.ok()) return throwTypeError(info.GetIsolate(), "importDer: no bytes");
  const bool isPrivate = info[1]->IsTrue();
  const Key key = parseKey(der.bytes(), isPrivate, type);
  if (!key) return;
  info.GetReturnValue().Set(false);
  giveDer(info, key.get(), isPrivate, type);
}

Key keyOfParams(const char* algorithm, OSSL_PARAM_BLD* builder, bool isPrivate) {
  const Params params(OSSL_PARAM_BLD_to_param(builder));
  const KeyContext context(EVP_PKEY_CTX_new_from_name(nullptr, algorithm, nullptr));
  EVP_PKEY* key = nullptr;
  if (!params || !context || EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &key, isPrivate ? EVP_PKEY_KEYPAIR : EVP_PKEY_PUBLIC_KEY,
                        params.get()) != 1) {
    ERR_clear_error();
    return nullptr;
  }
  return Key(key);
}

/// importRsaParts(n, e [, d, p, q, dp, dq, qi]) -> DER; undefined if that is no key
void importRsaParts(const v8::FunctionCallbackInfo<v8::Value>& info) noexcept {
  constexpr std::array kNames{OSSL_PKEY_PARAM_RSA_N,         OSSL_PKEY_PARAM_RSA_E,
                              OSSL_PKEY_PARAM_RSA_D,         OSSL_PKEY_PARAM_RSA_FACTOR1,
                              OSSL_PKEY_PARAM_RSA_FACTOR2,   OSSL_PKEY_PARAM_RSA_EXPONENT1,
                              OSSL_PKEY_PARAM_RSA_EXPONENT2, OSSL_PKEY_PARAM_RSA_COEFFICIENT1};
  const auto count = static_cast<std::size_t>(info.Length());
  if (count != 2 && count != kNames.size()) {
    return throwTypeError(info.GetIsolate(), "importRsaParts: wants 2 or 8 parts");
  }
  const ParamBuilder builder(OSSL_PARAM_BLD_new());
  std::vector<Big> numbers;
  for (std::size_t i = 0; i < count; ++i) {
    const BufferView bytes(info[static_cast<int>(i)]);
    if (!bytes.ok() || bytes.bytes().size() > kDerBytesMax) return;
    numbers.emplace_back(
        BN_bin2bn(octets(bytes.bytes()), static_cast<int>(bytes.bytes().size()), nullptr));
    if (OSSL_PARAM_BLD_push_BN(builder.get(), kNames[i], numbers.back().get()) != 1) return;
  }
  const Key key = keyOfParams("RSA", builder.get(), count > 2);
  if (key && fits(key.get(), "RSA")) giveDer(info, key.get(), count > 2, "RSA");
}

/// A key of a curve's public point and, if it is private, its number.
Key ecKey(const Curve& curve, std::string_view point, std::string_view secret) {
  const ParamBuilder builder(OSSL_PARAM_BLD_new());
  const Big number(secret.empty()
                       ? nullptr
                       : BN_bin2bn(octets(secret), static_cast<int>(secret.size()), nullptr));
  if (OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, curve.group, 0) !=
          1 ||
      OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(),
                                       point.size()) != 1 ||
      (number &&
       OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_PRIV_KEY, number.get()) != 1)) {
    return nullptr;
  }
  Key key = keyOfParams("EC", builder.get(), number != nullptr);
  if (!key) return nullptr;
  // A private number that is not the point's would sign what nobody can verify.
  const KeyContext context(EVP_PKEY_CTX_new_from_pkey(nullptr, key.get(), nullptr));
  const int valid = number ? EVP_PKEY_check(context.get()) : EVP_PKEY_public_check(context.get());
  ERR_clear_error();
  return valid == 1 ? std::move(key) : nullptr;
}

/// A key of raw bytes; null if that is no key of the type.
Key rawKey(const std::string& type, std::string_view bytes, bool isPrivate) {
  if (const Lattice* const lattice = latticeNamed(type); lattice != nullptr && isPrivate) {
    if (bytes.size() != lattice->seedBytes) return nullptr;
    return parseKey(derOfSeed(*lattice, bytes), true, type);
  }
  Key key(isPrivate ? EVP_PKEY_new_raw_private_key_ex(nullptr, type.c_str(), nullptr, octets(bytes),
                                                      bytes.size())
                    : EVP_PKEY_new_raw_public_key_ex(nullptr, type.c_str(), nullptr, octets(bytes),
                                                     bytes.size()));
  return key && fits(key.get(), type) ? std::move(key) : nullptr;
}

/// importPoint(type, point [, secret]) -> DER; undefined if that is no key of the type. For a
/// curve, the point is SEC 1's and the secret its number, as long as the curve's; for others both
/// are the raw bytes (an ML-* key's secret is its seed), and the point is not looked at if there is
/// a secret.
void importPoint(const v8::FunctionCallbackInfo<v8::Value>& info) noexcept {
  const std::string type = textOf(info.GetIsolate(), info[0]);
  const BufferView point(info[1]);
  const BufferView secret(info[2]);
  if (!point.ok()) return throwTypeError(info.GetIsolate(), "importPoint: no bytes");
  const bool isPrivate = secret.ok();
  Key key;
  if (const Curve* const curve = curveNamed(type); curve == nullptr) {
    key = rawKey(type, isPrivate ? secret.bytes() : point.bytes(), isPrivate);
  } else if (!point.bytes().empty() && (!isPrivate || secret.bytes().size() == curve->bytes)) {
    key = ecKey(*curve, point.bytes(), isPrivate ? secret.bytes() : std::string_view());
  }
  ERR_clear_error();
  if (key) giveDer(info, key.get(), isPrivate, type);
}

// ---- exporting ----------------------------------------------------------------------------------

/// A number of the key, big-endian, at least `bytesMin` long; empty if it has none.
std::string bigOf(EVP_PKEY* key, const char* name, std::size_t bytesMin) {
  BIGNUM* raw = nullptr;
  if (EVP_PKEY_get_bn_param(key, name, &raw) != 1) {
    ERR_clear_error();
    return {};
  }
  const Big number(raw);
  std::string bytes(std::max<std::size_t>(bytesMin, static_cast<std::size_t>(BN_num_bytes(raw))),
                    '\0');
  BN_bn2binpad(raw, octets(bytes), static_cast<int>(bytes.size()));
  return bytes;
}

/// The raw public key, and the raw private one (a seed, where the type has seeds).
std::vector<std::string> rawParts(EVP_PKEY* key, bool isPrivate, std::string_view type) {
  std::vector<std::string> parts;
  const auto add = [&](auto read) {
    std::size_t length = 0;
    if (read(nullptr, &length) != 1) return;
    std::string bytes(length, '\0');
    if (read(octets(bytes), &length) != 1) return;
    bytes.resize(length);
    parts.push_back(std::move(bytes));
  };
  add([&](unsigned char* to, std::size_t* length) {
    return EVP_PKEY_get_raw_public_key(key, to, length);
  });
  if (!isPrivate) return parts;
  if (latticeNamed(type) != nullptr) {
    add([&](unsigned char* to, std::size_t* length) {
      return EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_ML_KEM_SEED, to, *length, length);
    });
  } else {
    add([&](unsigned char* to, std::size_t* length) {
      return EVP_PKEY_get_raw_private_key(key, to, length);
    });
  }
  return parts;
}

/// keyParts(type, private, der) -> RSA: [n, e, d, p, q, dp, dq, qi], a curve: [x, y, d], the
/// others: [public, private]; the secret ones only of a private key
void keyParts(const v8::FunctionCallbackInfo<v8::Value>& info) noexcept {
  const std::string type = textOf(info.GetIsolate(), info[0]);
  const bool isPrivate = info[1]->IsTrue();
  const BufferView der(info[2]);
  if (!der.ok()) return throwTypeError(info.GetIsolate(), "keyParts: no bytes");
  const Key key = parseKey(der.bytes(), isPrivate, type);
  if (!key) return;
  std::vector<std::string> parts;
  if (type == "RSA") {
    parts = {bigOf(key.get(), OSSL_PKEY_PARAM_RSA_N, 1),
             bigOf(key.get(), OSSL_PKEY_PARAM_RSA_E, 1)};
    if (isPrivate) {
      for (const char* const name :
           {OSSL_PKEY_PARAM_RSA_D, OSSL_PKEY_PARAM_RSA_FACTOR1, OSSL_PKEY_PARAM_RSA_FACTOR2,
            OSSL_PKEY_PARAM_RSA_EXPONENT1, OSSL_PKEY_PARAM_RSA_EXPONENT2,
            OSSL_PKEY_PARAM_RSA_COEFFICIENT1}) {
        parts.push_back(bigOf(key.get(), name, 1));
      }
    }
  } else if (const Curve* const curve = curveNamed(type)) {
    parts = {bigOf(key.get(), OSSL_PKEY_PARAM_EC_PUB_X, curve->bytes),
             bigOf(key.get(), OSSL_PKEY_PARAM_EC_PUB_Y, curve->bytes)};
    if (isPrivate) parts.push_back(bigOf(key.get(), OSSL_PKEY_PARAM_PRIV_KEY, curve->bytes));
  } else {
    parts = rawParts(key.get(), isPrivate, type);
  }
  ERR_clear_error();
  giveList(info, parts);
}

/// publicDer(type, private DER) -> the public key's DER
void publicDer(const v8::FunctionCallbackInfo<v8::Value>& info) noexcept {
  const std::string type = textOf(info.GetIsolate(), info[0]);
  const BufferView der(info[1]);
  if (!der.ok()) return throwTypeError(info.GetIsolate(), "publicDer: no bytes");
  const Key key = parseKey(der.bytes(), true, type);
  if (key) giveDer(info, key.get(), false, type);
}

// ---- generating ---------------------------------------------------------------------------------

/// generateKeyPair(type) -> [private DER, public DER]; not for RSA
void generateKeyPair(const v8::FunctionCallbackInfo<v8::Value>& info) noexcept {
  const std::string type = textOf(info.GetIsolate(), info[0]);
  Key key;
  if (const Curve* const curve = curveNamed(type)) {
    key.reset(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", curve->group));
  } else {
    key.reset(EVP_PKEY_Q_keygen(nullptr, nullptr, type.c_str()));
  }
  ERR_clear_error();
  if (!key || !fits(key.get(), type)) return;
  const auto secret = derOf(key.get(), true, type);
  const auto open = derOf(key.get(), false, type);
  if (secret && open) giveList(info, {*secret, *open});
}

/// generateRsaKey(modulus bits, public exponent, op, slot) -> private DER as an ArrayBuffer, or the
/// op's answer; undefined, or an error, if there is no such key
void generateRsaKey(const v8::FunctionCallbackInfo<v8::Value>& info) noexcept {
  const BufferView exponent(info[1]);
  const std::uint32_t bits = numberOf(info[0]);
  constexpr std::uint32_t kGeneratedBitsMin = 1024, kGeneratedBitsMax = 4096;
  if (!exponent.ok() || bits < kGeneratedBitsMin || bits > kGeneratedBitsMax ||
      exponent.bytes().size() > 8) {
    return throwTypeError(info.GetIsolate(), "generateRsaKey: wrong arguments");
  }
  compute(info, 2, [bits, exponent = std::string(exponent.bytes())]() -> Result<Bytes> {
    auto der = generateRsa(bits, exponent);
    if (!der) return fail(ErrorCode::InvalidArgument, "there is no such RSA key");
    return Bytes(*std::move(der));
  });
}

constexpr std::array kNatives{isolate::Native{"importDer", &importDer},
                              isolate::Native{"importRsaParts", &importRsaParts},
                              isolate::Native{"importPoint", &importPoint},
                              isolate::Native{"keyParts", &keyParts},
                              isolate::Native{"publicDer", &publicDer},
                              isolate::Native{"generateKeyPair", &generateKeyPair},
                              isolate::Native{"generateRsaKey", &generateRsaKey}};

}  // namespace

std::span<const isolate::Native> keyNatives() { return kNatives; }

}  // namespace atolld::webapi
