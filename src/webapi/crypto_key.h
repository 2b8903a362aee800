#pragma once

#include <openssl/evp.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "webapi/openssl.h"

/// Asymmetric keys as values: a key is its DER in normal form (PKCS #8 or SubjectPublicKeyInfo) and
/// the name of its type. Any thread; no state.
///
/// Types: "RSA", the curves "P-256", "P-384" and "P-521", and what OpenSSL calls by the standards'
/// names: "Ed25519", "Ed448", "X25519", "X448", "ML-DSA-44" and its like, "ML-KEM-512" and its
/// like.
namespace atolld::webapi {

using Key = Owned<EVP_PKEY, &EVP_PKEY_free>;
using KeyContext = Owned<EVP_PKEY_CTX, &EVP_PKEY_CTX_free>;

struct Curve {
  std::string_view name;
  const char* group;
  std::size_t bytes;
};

/// Null for what is no curve's name.
const Curve* curveNamed(std::string_view name);

/// What ML-DSA and ML-KEM keys are made of, and their identifiers.
struct Lattice {
  std::string_view name;
  std::string_view oid;  ///< Its DER contents.
  std::size_t seedBytes;
};

/// Null for any other type.
const Lattice* latticeNamed(std::string_view name);

/// Whether `key` is what `type` says, and within our limits.
bool fits(EVP_PKEY* key, std::string_view type);

/// The key in `der`, null if it is not one of that type.
Key parseKey(std::string_view der, bool isPrivate, std::string_view type);

/// The normal form. Nothing for a private key that has none: an ML-* key without its seed.
std::optional<std::string> derOf(EVP_PKEY* key, bool isPrivate, std::string_view type);

/// The PKCS #8 form of a seed.
std::string derOfSeed(const Lattice& lattice, std::string_view seed);

/// An RSA private key's DER; nothing if OpenSSL cannot make such a key. Takes up to seconds.
std::optional<std::string> generateRsa(std::uint32_t bits, std::string_view exponent);

inline constexpr std::size_t kDerBytesMax = 16 * 1024;
inline constexpr int kModulusBitsMin = 512;
inline constexpr int kModulusBitsMax = 8192;

}  // namespace atolld::webapi
