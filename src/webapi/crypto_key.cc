#include "webapi/crypto_key.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <array>

namespace atolld::webapi {
namespace {

using Pkcs8 = Owned<PKCS8_PRIV_KEY_INFO, &PKCS8_PRIV_KEY_INFO_free>;
using Big = Owned<BIGNUM, &BN_clear_free>;

constexpr std::array<Curve, 3> kCurves{
    {{"P-256", "prime256v1", 32}, {"P-384", "secp384r1", 48}, {"P-521", "secp521r1", 66}}};

/// Their own names are OpenSSL's, whatever the case.
constexpr std::array<std::string_view, 4> kEdwardsTypes{"Ed25519", "Ed448", "X25519", "X448"};

// NIST's arcs 2.16.840.1.101.3.4.3.x (signatures) and .4.x (key encapsulation).
constexpr std::array<Lattice, 6> kLattices{
    {{"ML-DSA-44", "\x60\x86\x48\x01\x65\x03\x04\x03\x11", 32},
     {"ML-DSA-65", "\x60\x86\x48\x01\x65\x03\x04\x03\x12", 32},
     {"ML-DSA-87", "\x60\x86\x48\x01\x65\x03\x04\x03\x13", 32},
     {"ML-KEM-512", "\x60\x86\x48\x01\x65\x03\x04\x04\x01", 64},
     {"ML-KEM-768", "\x60\x86\x48\x01\x65\x03\x04\x04\x02", 64},
     {"ML-KEM-1024", "\x60\x86\x48\x01\x65\x03\x04\x04\x03", 64}}};

template <class T, std::size_t n>
const T* findNamed(const std::array<T, n>& all, std::string_view name) {
  for (const T& each : all) {
    if (each.name == name) return &each;
  }
  return nullptr;
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

std::optional<std::string> seedDerOf(EVP_PKEY* key, const Lattice& lattice) {
  std::string seed(lattice.seedBytes, '\0');
  std::size_t length = 0;
  if (EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_ML_KEM_SEED, octets(seed), seed.size(),
                                      &length) != 1 ||
      length != seed.size()) {
    ERR_clear_error();
    return std::nullopt;
  }
  std::string der = derOfSeed(lattice, seed);
  OPENSSL_cleanse(seed.data(), seed.size());
  return der;
}

}  // namespace

const Curve* curveNamed(std::string_view name) { return findNamed(kCurves, name); }
const Lattice* latticeNamed(std::string_view name) { return findNamed(kLattices, name); }

bool fits(EVP_PKEY* key, std::string_view type) {
  if (type == "RSA") {
    const int bits = EVP_PKEY_get_bits(key);
    return EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA && bits >= kModulusBitsMin &&
           bits <= kModulusBitsMax;
  }
  if (const Curve* const curve = curveNamed(type)) {
    std::array<char, 80> group{};
    return EVP_PKEY_get_base_id(key) == EVP_PKEY_EC &&
           EVP_PKEY_get_group_name(key, group.data(), group.size(), nullptr) == 1 &&
           std::string_view(group.data()) == curve->group;
  }
  bool known = latticeNamed(type) != nullptr;
  for (const std::string_view name : kEdwardsTypes) known = known || name == type;
  return known && EVP_PKEY_is_a(key, std::string(type).c_str()) == 1;
}

Key parseKey(std::string_view der, bool isPrivate, std::string_view type) {
  if (der.empty() || der.size() > kDerBytesMax) return nullptr;
  Key key = isPrivate ? parsePrivate(der) : parsePublic(der);
  ERR_clear_error();
  if (!key || !fits(key.get(), type)) return nullptr;
  return key;
}

std::optional<std::string> derOf(EVP_PKEY* key, bool isPrivate, std::string_view type) {
  if (const Lattice* const lattice = latticeNamed(type); lattice != nullptr && isPrivate) {
    return seedDerOf(key, *lattice);
  }
  if (curveNamed(type) != nullptr) {
    // A point may have come compressed; the normal form is the whole one.
    EVP_PKEY_set_utf8_string_param(key, OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT,
                                   OSSL_PKEY_EC_POINT_CONVERSION_FORMAT_UNCOMPRESSED);
  }
  unsigned char* out = nullptr;
  int length = -1;
  if (isPrivate) {
    const Pkcs8 info(EVP_PKEY2PKCS8(key));
    if (info) length = i2d_PKCS8_PRIV_KEY_INFO(info.get(), &out);
  } else {
    length = i2d_PUBKEY(key, &out);
  }
  ERR_clear_error();
  if (length < 0) return std::nullopt;
  std::string der(reinterpret_cast<const char*>(out), static_cast<std::size_t>(length));
  OPENSSL_clear_free(out, static_cast<std::size_t>(length));
  return der;
}

std::string derOfSeed(const Lattice& lattice, std::string_view seed) {
  // PrivateKeyInfo of version 0 whose octet string holds the seed form, [0] OCTET STRING. No length
  // in it is above 127. https://www.rfc-editor.org/rfc/rfc9881#section-6
  const auto tagged = [](char tag, std::string_view content) {
    return std::string{tag, static_cast<char>(content.size())}.append(content);
  };
  return tagged('\x30', std::string("\x02\x01\x00", 3) +
                            tagged('\x30', tagged('\x06', lattice.oid)) +
                            tagged('\x04', tagged('\x80', seed)));
}

std::optional<std::string> generateRsa(std::uint32_t bits, std::string_view exponent) {
  const Big number(BN_bin2bn(octets(exponent), static_cast<int>(exponent.size()), nullptr));
  const KeyContext context(EVP_PKEY_CTX_new_from_name(nullptr, "RSA", nullptr));
  EVP_PKEY* made = nullptr;
  Key key;
  if (EVP_PKEY_keygen_init(context.get()) == 1 &&
      EVP_PKEY_CTX_set_rsa_keygen_bits(context.get(), static_cast<int>(bits)) == 1 &&
      EVP_PKEY_CTX_set1_rsa_keygen_pubexp(context.get(), number.get()) == 1 &&
      EVP_PKEY_generate(context.get(), &made) == 1) {
    key.reset(made);
  }
  ERR_clear_error();
  return key ? derOf(key.get(), true, "RSA") : std::nullopt;
}

}  // namespace atolld::webapi
