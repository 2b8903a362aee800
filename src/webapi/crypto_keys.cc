// Asymmetric keys behind isolates/web/crypto_keys.js: RSA, ECDSA curves and Ed25519. A key is its
// DER (PKCS #8 or SubjectPublicKeyInfo) on the script's side, kept there in a private field.
// https://w3c.github.io/webcrypto/#rsassa-pkcs1 #ecdsa #ed25519

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <array>
#include <optional>
#include <vector>

#include "webapi/bytes.h"
#include "webapi/crypto_text.h"
#include "webapi/natives.h"

namespace atolld::webapi {
namespace {

using Key = Owned<EVP_PKEY, &EVP_PKEY_free>;
using KeyContext = Owned<EVP_PKEY_CTX, &EVP_PKEY_CTX_free>;
using Big = Owned<BIGNUM, &BN_clear_free>;
using Pkcs8 = Owned<PKCS8_PRIV_KEY_INFO, &PKCS8_PRIV_KEY_INFO_free>;
using ParamBuilder = Owned<OSSL_PARAM_BLD, &OSSL_PARAM_BLD_free>;
using Params = Owned<OSSL_PARAM, &OSSL_PARAM_free>;
using Signature = Owned<ECDSA_SIG, &ECDSA_SIG_free>;
using DigestContext = Owned<EVP_MD_CTX, &EVP_MD_CTX_free>;

constexpr std::size_t kDerBytesMax = 16 * 1024;
constexpr int kModulusBitsMin = 1024;
constexpr int kModulusBitsMax = 8192;

struct Curve {
  std::string_view name;
  const char* group;
  std::size_t bytes;
};
constexpr std::array<Curve, 3> kCurves{
    {{"P-256", "prime256v1", 32}, {"P-384", "secp384r1", 48}, {"P-521", "secp521r1", 66}}};

const Curve* curveNamed(std::string_view name) {
  for (const Curve& curve : kCurves) {
    if (curve.name == name) return &curve;
  }
  return nullptr;
}

/// Whether `key` is what `type` says ("RSA", a curve's name or "Ed25519") and within our limits.
bool fits(EVP_PKEY* key, std::string_view type) {
  if (type == "RSA") {
    const int bits = EVP_PKEY_get_bits(key);
    return EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA && bits >= kModulusBitsMin &&
           bits <= kModulusBitsMax;
  }
  if (type == "Ed25519") return EVP_PKEY_get_base_id(key) == EVP_PKEY_ED25519;
  const Curve* const curve = curveNamed(type);
  if (curve == nullptr || EVP_PKEY_get_base_id(key) != EVP_PKEY_EC) return false;
  std::array<char, 80> group{};
  return EVP_PKEY_get_group_name(key, group.data(), group.size(), nullptr) == 1 &&
         std::string_view(group.data()) == curve->group;
}

Key parsePrivate(std::string_view der) {
  const unsigned char* at = octets(der);
  const Pkcs8 info(d2i_PKCS8_PRIV_KEY_INFO(nullptr, &at, static_cast<long>(der.size())));
  if (!info || at != octets(der) + der.size()) return nullptr;
  return Key(EVP_PKCS82PKEY(info.get()));
}

Key parsePublic(std::string_view der) {
  const unsigned char* at = octets(der);
  Key key(d2i_PUBKEY(nullptr, &at, static_cast<long>(der.size())));
  if (at != octets(der) + der.size()) return nullptr;
  return key;
}

/// The key in `der`, null if it is not one of that type.
Key parseKey(std::string_view der, bool isPrivate, std::string_view type) {
  if (der.empty() || der.size() > kDerBytesMax) return nullptr;
  Key key = isPrivate ? parsePrivate(der) : parsePublic(der);
  if (!key || !fits(key.get(), type)) {
    ERR_clear_error();
    return nullptr;
  }
  return key;
}

std::optional<std::string> derOf(EVP_PKEY* key, bool isPrivate) {
  unsigned char* out = nullptr;
  int length = -1;
  if (isPrivate) {
    const Pkcs8 info(EVP_PKEY2PKCS8(key));
    if (info) length = i2d_PKCS8_PRIV_KEY_INFO(info.get(), &out);
  } else {
    length = i2d_PUBKEY(key, &out);
  }
  if (length < 0) {
    ERR_clear_error();
    return std::nullopt;
  }
  std::string der(reinterpret_cast<const char*>(out), static_cast<std::size_t>(length));
  OPENSSL_clear_free(out, static_cast<std::size_t>(length));
  return der;
}

void giveDer(const v8::FunctionCallbackInfo<v8::Value>& info, EVP_PKEY* key, bool isPrivate) {
  if (const auto der = derOf(key, isPrivate)) giveBytes(info, *der);
}

void giveList(const v8::FunctionCallbackInfo<v8::Value>& info,
              const std::vector<std::string>& parts) {
  v8::Isolate* const isolate = info.GetIsolate();
  v8::LocalVector<v8::Value> list(isolate);
  for (const std::string& part : parts) {
    v8::Local<v8::Uint8Array> bytes;
    if (!uint8ArrayOf(isolate, part).ToLocal(&bytes)) return;
    list.push_back(bytes);
  }
  info.GetReturnValue().Set(v8::Array::New(isolate, list.data(), list.size()));
}

// ---- importing ----------------------------------------------------------------------------------

/// importDer(type, private, der) -> DER in normal form; undefined if it is not such a key
void importDer(const v8::FunctionCallbackInfo<v8::Value>& info) noexcept {
  const BufferView der(info[2]);
  if (!der.ok()) return throwTypeError(info.GetIsolate(), "importDer: no bytes");
  const bool isPrivate = info[1]->IsTrue();
  const Key key = parseKey(der.bytes(), isPrivate, textOf(info.GetIsolate(), info[0]));
  if (key) giveDer(info, key.get(), isPrivate);
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
  if (key && fits(key.get(), "RSA")) giveDer(info, key.get(), count > 2);
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

/// importPoint(type, point [, private number]) -> DER; undefined if that is no key of the type.
/// For Ed25519, the point is the public key's 32 bytes and the number the seed's.
void importPoint(const v8::FunctionCallbackInfo<v8::Value>& info) noexcept {
  const std::string type = textOf(info.GetIsolate(), info[0]);
  const BufferView point(info[1]);
  const BufferView secret(info[2]);
  if (!point.ok()) return throwTypeError(info.GetIsolate(), "importPoint: no bytes");
  const bool isPrivate = secret.ok();
  Key key;
  if (type == "Ed25519") {
    const std::string_view bytes = isPrivate ? secret.bytes() : point.bytes();
    key.reset(
        isPrivate
            ? EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, octets(bytes), bytes.size())
            : EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, octets(bytes), bytes.size()));
  } else if (const Curve* const curve = curveNamed(type); curve != nullptr) {
    if (point.bytes().empty() || (isPrivate && secret.bytes().size() != curve->bytes)) return;
    key = ecKey(*curve, point.bytes(), isPrivate ? secret.bytes() : std::string_view());
  }
  ERR_clear_error();
  if (key) giveDer(info, key.get(), isPrivate);
}

// ---- exporting ----------------------------------------------------------------------------------

/// A number of the key, big-endian, at least `bytesMin` long; empty if it has none.
std::string numberOf(EVP_PKEY* key, const char* name, std::size_t bytesMin) {
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

std::vector<std::string> edParts(EVP_PKEY* key, bool isPrivate) {
  std::array<unsigned char, 32> bytes;
  std::size_t length = bytes.size();
  const auto text = [&] {
    return std::string(reinterpret_cast<const char*>(bytes.data()), length);
  };
  std::vector<std::string> parts;
  if (EVP_PKEY_get_raw_public_key(key, bytes.data(), &length) == 1) parts.push_back(text());
  if (isPrivate && EVP_PKEY_get_raw_private_key(key, bytes.data(), &length) == 1) {
    parts.push_back(text());
  }
  return parts;
}

/// keyParts(type, private, der) -> RSA: [n, e, d, p, q, dp, dq, qi], a curve: [x, y, d],
/// Ed25519: [x, d]; the secret ones only of a private key
void keyParts(const v8::FunctionCallbackInfo<v8::Value>& info) noexcept {
  const std::string type = textOf(info.GetIsolate(), info[0]);
  const bool isPrivate = info[1]->IsTrue();
  const BufferView der(info[2]);
  if (!der.ok()) return throwTypeError(info.GetIsolate(), "keyParts: no bytes");
  const Key key = parseKey(der.bytes(), isPrivate, type);
  if (!key) return;
  std::vector<std::string> parts;
  if (type == "RSA") {
    parts = {numberOf(key.get(), OSSL_PKEY_PARAM_RSA_N, 1),
             numberOf(key.get(), OSSL_PKEY_PARAM_RSA_E, 1)};
    if (isPrivate) {
      for (const char* const name :
           {OSSL_PKEY_PARAM_RSA_D, OSSL_PKEY_PARAM_RSA_FACTOR1, OSSL_PKEY_PARAM_RSA_FACTOR2,
            OSSL_PKEY_PARAM_RSA_EXPONENT1, OSSL_PKEY_PARAM_RSA_EXPONENT2,
            OSSL_PKEY_PARAM_RSA_COEFFICIENT1}) {
        parts.push_back(numberOf(key.get(), name, 1));
      }
    }
  } else if (type == "Ed25519") {
    parts = edParts(key.get(), isPrivate);
  } else {
    const std::size_t size = curveNamed(type)->bytes;
    parts = {numberOf(key.get(), OSSL_PKEY_PARAM_EC_PUB_X, size),
             numberOf(key.get(), OSSL_PKEY_PARAM_EC_PUB_Y, size)};
    if (isPrivate) parts.push_back(numberOf(key.get(), OSSL_PKEY_PARAM_PRIV_KEY, size));
  }
  ERR_clear_error();
  giveList(info, parts);
}

// ---- generating ---------------------------------------------------------------------------------

/// generateKeyPair(type, modulus bits, public exponent) -> [private DER, public DER]; undefined if
/// that is not possible. RSA takes a part of a second: it is the script's CPU time.
void generateKeyPair(const v8::FunctionCallbackInfo<v8::Value>& info) noexcept {
  v8::Isolate* const isolate = info.GetIsolate();
  const std::string type = textOf(isolate, info[0]);
  Key key;
  if (type == "RSA") {
    const BufferView exponent(info[2]);
    const std::uint32_t bits = info[1]->IsUint32() ? info[1].As<v8::Uint32>()->Value() : 0;
    if (!exponent.ok() || bits < 1024 || bits > 4096 || exponent.bytes().size() > 8) return;
    const Big number(
        BN_bin2bn(octets(exponent.bytes()), static_cast<int>(exponent.bytes().size()), nullptr));
    const KeyContext context(EVP_PKEY_CTX_new_from_name(nullptr, "RSA", nullptr));
    EVP_PKEY* made = nullptr;
    if (EVP_PKEY_keygen_init(context.get()) == 1 &&
        EVP_PKEY_CTX_set_rsa_keygen_bits(context.get(), static_cast<int>(bits)) == 1 &&
        EVP_PKEY_CTX_set1_rsa_keygen_pubexp(context.get(), number.get()) == 1 &&
        EVP_PKEY_generate(context.get(), &made) == 1) {
      key.reset(made);
    }
  } else if (type == "Ed25519") {
    key.reset(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
  } else if (const Curve* const curve = curveNamed(type); curve != nullptr) {
    key.reset(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", curve->group));
  }
  ERR_clear_error();
  if (!key) return;
  const auto secret = derOf(key.get(), true);
  const auto open = derOf(key.get(), false);
  if (secret && open) giveList(info, {*secret, *open});
}

// ---- signing ------------------------------------------------------------------------------------

/// What a signature is made with. Schemes are "RSASSA-PKCS1-v1_5", "RSA-PSS", "ECDSA", "Ed25519".
struct Scheme {
  std::string name;
  std::string type;  ///< Of the key, as for fits().
  const EVP_MD* hash = nullptr;
  std::uint32_t saltBytes = 0;

  bool ok() const {
    return (name == "Ed25519") == (hash == nullptr) && saltBytes <= 1024 &&
           (name == "RSASSA-PKCS1-v1_5" || name == "RSA-PSS" || name == "ECDSA" ||
            name == "Ed25519");
  }
};

/// Arguments 0 to 3 of sign() and verify(): scheme, key type, hash name or undefined, salt bytes.
Scheme schemeOf(const v8::FunctionCallbackInfo<v8::Value>& info) {
  v8::Isolate* const isolate = info.GetIsolate();
  return {.name = textOf(isolate, info[0]),
          .type = textOf(isolate, info[1]),
          .hash = digestNamed(textOf(isolate, info[2])),
          .saltBytes = info[3]->IsUint32() ? info[3].As<v8::Uint32>()->Value() : 0};
}

bool setPadding(EVP_PKEY_CTX* context, const Scheme& scheme) {
  if (scheme.name != "RSA-PSS") return true;
  return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) == 1 &&
         EVP_PKEY_CTX_set_rsa_pss_saltlen(context, static_cast<int>(scheme.saltBytes)) == 1;
}

/// The DER of an ECDSA signature as r and s, and back: WebCrypto has the two numbers side by side.
std::optional<std::string> toPlain(std::string_view der, std::size_t size) {
  const unsigned char* at = octets(der);
  const Signature signature(d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(der.size())));
  if (!signature) return std::nullopt;
  std::string plain(size * 2, '\0');
  BN_bn2binpad(ECDSA_SIG_get0_r(signature.get()), octets(plain), static_cast<int>(size));
  BN_bn2binpad(ECDSA_SIG_get0_s(signature.get()), octets(plain) + size, static_cast<int>(size));
  return plain;
}

std::optional<std::string> toDer(std::string_view plain, std::size_t size) {
  if (plain.size() != size * 2) return std::nullopt;
  const Signature signature(ECDSA_SIG_new());
  const auto part = [&](std::size_t at) {
    return BN_bin2bn(octets(plain) + at, static_cast<int>(size), nullptr);
  };
  ECDSA_SIG_set0(signature.get(), part(0), part(size));
  unsigned char* out = nullptr;
  const int length = i2d_ECDSA_SIG(signature.get(), &out);
  if (length < 0) return std::nullopt;
  std::string der(reinterpret_cast<const char*>(out), static_cast<std::size_t>(length));
  OPENSSL_free(out);
  return der;
}

/// sign(scheme, key type, hash, salt bytes, private DER, data) -> ArrayBuffer; undefined if it
/// fails
void sign(const v8::FunctionCallbackInfo<v8::Value>& info) noexcept {
  const Scheme scheme = schemeOf(info);
  const BufferView der(info[4]), data(info[5]);
  if (!scheme.ok() || !der.ok() || !data.ok()) {
    return throwTypeError(info.GetIsolate(), "sign: wrong arguments");
  }
  const Key key = parseKey(der.bytes(), true, scheme.type);
  const DigestContext context(EVP_MD_CTX_new());
  EVP_PKEY_CTX* keyContext = nullptr;
  const std::string_view bytes = data.bytes();
  std::size_t length = 0;
  std::string out;
  bool done =
      key && EVP_DigestSignInit(context.get(), &keyContext, scheme.hash, nullptr, key.get()) == 1 &&
      setPadding(keyContext, scheme) &&
      EVP_DigestSign(context.get(), nullptr, &length, octets(bytes), bytes.size()) == 1;
  if (done) {
    out.resize(length);
    done = EVP_DigestSign(context.get(), octets(out), &length, octets(bytes), bytes.size()) == 1;
    out.resize(done ? length : 0);
  }
  ERR_clear_error();
  if (!done) return;
  if (scheme.name == "ECDSA") {
    if (const auto plain = toPlain(out, curveNamed(scheme.type)->bytes)) giveBuffer(info, *plain);
    return;
  }
  giveBuffer(info, out);
}

/// verify(scheme, key type, hash, salt bytes, public DER, signature, data) -> boolean
void verify(const v8::FunctionCallbackInfo<v8::Value>& info) noexcept {
  const Scheme scheme = schemeOf(info);
  const BufferView der(info[4]), signature(info[5]), data(info[6]);
  if (!scheme.ok() || !der.ok() || !signature.ok() || !data.ok()) {
    return throwTypeError(info.GetIsolate(), "verify: wrong arguments");
  }
  std::string encoded(signature.bytes());
  const Key key = parseKey(der.bytes(), false, scheme.type);
  info.GetReturnValue().Set(false);
  if (scheme.name == "ECDSA") {
    const Curve* const curve = curveNamed(scheme.type);
    const auto asDer = curve == nullptr ? std::nullopt : toDer(encoded, curve->bytes);
    if (!asDer) return;
    encoded = *asDer;
  }
  const DigestContext context(EVP_MD_CTX_new());
  EVP_PKEY_CTX* keyContext = nullptr;
  const bool valid =
      key &&
      EVP_DigestVerifyInit(context.get(), &keyContext, scheme.hash, nullptr, key.get()) == 1 &&
      setPadding(keyContext, scheme) &&
      EVP_DigestVerify(context.get(), octets(encoded), encoded.size(), octets(data.bytes()),
                       data.bytes().size()) == 1;
  ERR_clear_error();
  info.GetReturnValue().Set(valid);
}

constexpr std::array kNatives{isolate::Native{"importDer", &importDer},
                              isolate::Native{"importRsaParts", &importRsaParts},
                              isolate::Native{"importPoint", &importPoint},
                              isolate::Native{"keyParts", &keyParts},
                              isolate::Native{"generateKeyPair", &generateKeyPair},
                              isolate::Native{"sign", &sign},
                              isolate::Native{"verify", &verify}};

}  // namespace

std::span<const isolate::Native> keyNatives() { return kNatives; }

}  // namespace atolld::webapi
