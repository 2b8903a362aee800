// What asymmetric keys do, behind isolates/web/crypto_*.js: signatures, RSA-OAEP, key agreement,
// key encapsulation. https://w3c.github.io/webcrypto/
// https://wicg.github.io/webcrypto-modern-algos/

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/params.h>
#include <openssl/rsa.h>

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

#include "webapi/bytes.h"
#include "webapi/crypto_key.h"
#include "webapi/crypto_text.h"
#include "webapi/natives.h"

namespace atolld::webapi {
namespace {

using Signature = Owned<ECDSA_SIG, &ECDSA_SIG_free>;
using DigestContext = Owned<EVP_MD_CTX, &EVP_MD_CTX_free>;

// ---- signing ------------------------------------------------------------------------------------

/// What a signature is made with: arguments 0 to 4 of sign() and verify(). Schemes are
/// "RSASSA-PKCS1-v1_5", "RSA-PSS" and "ECDSA"; for all others the scheme is the key's type.
struct Scheme {
  std::string name;
  std::string type;         ///< Of the key, as for fits().
  const EVP_MD* hash;       ///< Null where the scheme brings its own.
  std::uint32_t saltBytes;  ///< RSA-PSS
  std::string context;      ///< Ed448 and ML-DSA.

  explicit Scheme(const v8::FunctionCallbackInfo<v8::Value>& info)
      : name(textOf(info.GetIsolate(), info[0])),
        type(textOf(info.GetIsolate(), info[1])),
        hash(digestNamed(textOf(info.GetIsolate(), info[2]))),
        saltBytes(numberOf(info[3])),
        context(BufferView(info[4]).bytes()) {}

  bool ok() const { return (name == type) == (hash == nullptr) && context.size() <= 255; }

  /// Sets what the scheme wants beyond the digest.
  bool configure(EVP_PKEY_CTX* keyContext) const {
    if (name == "RSA-PSS") {
      return EVP_PKEY_CTX_set_rsa_padding(keyContext, RSA_PKCS1_PSS_PADDING) == 1 &&
             EVP_PKEY_CTX_set_rsa_pss_saltlen(keyContext, static_cast<int>(saltBytes)) == 1;
    }
    if (context.empty()) return true;
    const std::array params{
        OSSL_PARAM_construct_octet_string(OSSL_SIGNATURE_PARAM_CONTEXT_STRING,
                                          const_cast<char*>(context.data()), context.size()),
        OSSL_PARAM_construct_end()};
    return EVP_PKEY_CTX_set_params(keyContext, params.data()) == 1;
  }
};

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

/// sign(scheme, key type, hash, salt bytes, context, private DER, data) -> ArrayBuffer; undefined
/// if it fails
void sign(const v8::FunctionCallbackInfo<v8::Value>& info) noexcept {
  const Scheme scheme(info);
  const BufferView der(info[5]), data(info[6]);
  if (!scheme.ok() || !der.ok() || !data.ok()) {
    return throwTypeError(info.GetIsolate(), "sign: wrong arguments");
  }
  const Key key = parseKey(der.bytes(), true, scheme.type);
  const DigestContext context(EVP_MD_CTX_new());
  EVP_PKEY_CTX* keyContext = nullptr;
  const std::string_view bytes = given(data.bytes());
  std::size_t length = 0;
  std::string out;
  bool done =
      key && EVP_DigestSignInit(context.get(), &keyContext, scheme.hash, nullptr, key.get()) == 1 &&
      scheme.configure(keyContext) &&
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

/// Whether an Edwards curve's encoded point, its sign left out, is one of the few of small order.
/// Signatures by or with such a point verify for any message.
/// https://wicg.github.io/webcrypto-secure-curves/#ed25519-operations-verify
bool isSmallOrder(std::string_view type, std::string_view point) {
  using namespace std::string_view_literals;
  // The y coordinates 1, those of order 8, and -1 and its neighbours up to the field's prime and
  // beyond: they are not written in their least form by everybody.
  constexpr std::array kOrder8{
      "\x26\xe8\x95\x8f\xc2\xb2\x27\xb0\x45\xc3\xf4\x89\xf2\xef\x98\xf0"
      "\xd5\xdf\xac\x05\xd3\xc6\x33\x39\xb1\x38\x02\x88\x6d\x53\xfc\x05"sv,
      "\xc7\x17\x6a\x70\x3d\x4d\xd8\x4f\xba\x3c\x0b\x76\x0d\x10\x67\x0f"
      "\x2a\x20\x53\xfa\x2c\x39\xcc\xc6\x4e\xc7\xfd\x77\x92\xac\x03\x7a"sv};
  if (type == "Ed25519") {
    std::string y(point);
    y.back() = static_cast<char>(y.back() & 0x7F);
    if (std::ranges::find(kOrder8, std::string_view(y)) != kOrder8.end()) return true;
    const auto first = static_cast<unsigned char>(y.front());
    const std::string_view middle = std::string_view(y).substr(1, y.size() - 2);
    if (first <= 1) return y.back() == 0 && middle.find_first_not_of('\0') == middle.npos;
    return first >= 0xEC && first <= 0xEE && y.back() == 0x7F &&
           middle.find_first_not_of('\xFF') == middle.npos;
  }
  // Ed448: 0, 1 and -1.
  const std::string_view rest = point.substr(1, point.size() - 2);
  const auto first = static_cast<unsigned char>(point.front());
  if (first <= 1) return rest.find_first_not_of('\0') == rest.npos;
  std::string minusOne(56, '\xFF');
  minusOne[0] = minusOne[28] = '\xFE';
  return point.substr(0, 56) == minusOne;
}

/// verify(scheme, key type, hash, salt bytes, context, public DER, signature, data) -> boolean
void verify(const v8::FunctionCallbackInfo<v8::Value>& info) noexcept {
  const Scheme scheme(info);
  const BufferView der(info[5]), signature(info[6]), data(info[7]);
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
  if (const std::size_t pointBytes = scheme.name == "Ed25519" ? 32 : 57;
      scheme.name == "Ed25519" || scheme.name == "Ed448") {
    // The DER of such a key ends with its point; a signature begins with one.
    if (!key || encoded.size() != 2 * pointBytes ||
        isSmallOrder(scheme.name, std::string_view(encoded).substr(0, pointBytes)) ||
        isSmallOrder(scheme.name, der.bytes().substr(der.bytes().size() - pointBytes))) {
      return;
    }
  }
  const DigestContext context(EVP_MD_CTX_new());
  EVP_PKEY_CTX* keyContext = nullptr;
  const std::string_view bytes = given(data.bytes());
  const bool valid =
      key &&
      EVP_DigestVerifyInit(context.get(), &keyContext, scheme.hash, nullptr, key.get()) == 1 &&
      scheme.configure(keyContext) &&
      EVP_DigestVerify(context.get(), octets(encoded), encoded.size(), octets(bytes),
                       bytes.size()) == 1;
  ERR_clear_error();
  info.GetReturnValue().Set(valid);
}

// ---- RSA-OAEP -----------------------------------------------------------------------------------

bool setOaep(EVP_PKEY_CTX* context, const EVP_MD* hash, std::string_view label) {
  if (EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_OAEP_PADDING) != 1 ||
      EVP_PKEY_CTX_set_rsa_oaep_md(context, hash) != 1 ||
      EVP_PKEY_CTX_set_rsa_mgf1_md(context, hash) != 1) {
    return false;
  }
  if (label.empty()) return true;
  void* const copy = OPENSSL_memdup(label.data(), label.size());
  if (EVP_PKEY_CTX_set0_rsa_oaep_label(context, copy, static_cast<int>(label.size())) == 1) {
    return true;
  }
  OPENSSL_free(copy);
  return false;
}

/// oaep(encrypt, hash, DER, label, data) -> ArrayBuffer; undefined if it fails. The DER is the
/// public key's to encrypt and the private one's to decrypt.
void oaep(const v8::FunctionCallbackInfo<v8::Value>& info) noexcept {
  v8::Isolate* const isolate = info.GetIsolate();
  const bool encrypt = info[0]->IsTrue();
  const EVP_MD* const hash = digestNamed(textOf(isolate, info[1]));
  const BufferView der(info[2]), label(info[3]), data(info[4]);
  constexpr std::size_t kLabelBytesMax = 1024 * 1024;
  if (hash == nullptr || !der.ok() || !label.ok() || !data.ok() ||
      label.bytes().size() > kLabelBytesMax) {
    return throwTypeError(isolate, "oaep: wrong arguments");
  }
  const Key key = parseKey(der.bytes(), !encrypt, "RSA");
  if (!key) return;
  const KeyContext context(EVP_PKEY_CTX_new_from_pkey(nullptr, key.get(), nullptr));
  const std::string_view bytes = given(data.bytes());
  std::string out(static_cast<std::size_t>(EVP_PKEY_get_size(key.get())), '\0');
  std::size_t length = out.size();
  const bool done =
      (encrypt ? EVP_PKEY_encrypt_init(context.get()) : EVP_PKEY_decrypt_init(context.get())) ==
          1 &&
      setOaep(context.get(), hash, label.bytes()) &&
      (encrypt ? EVP_PKEY_encrypt(context.get(), octets(out), &length, octets(bytes), bytes.size())
               : EVP_PKEY_decrypt(context.get(), octets(out), &length, octets(bytes),
                                  bytes.size())) == 1;
  ERR_clear_error();
  if (!done) return;
  out.resize(length);
  giveBuffer(info, out);
}

// ---- agreement and encapsulation ----------------------------------------------------------------

/// agree(type, private DER, public DER) -> the shared secret as a Uint8Array; undefined if it fails
void agree(const v8::FunctionCallbackInfo<v8::Value>& info) noexcept {
  const std::string type = textOf(info.GetIsolate(), info[0]);
  const BufferView mine(info[1]), theirs(info[2]);
  if (!mine.ok() || !theirs.ok()) return throwTypeError(info.GetIsolate(), "agree: no bytes");
  const Key key = parseKey(mine.bytes(), true, type);
  const Key peer = parseKey(theirs.bytes(), false, type);
  if (!key || !peer) return;
  const KeyContext context(EVP_PKEY_CTX_new_from_pkey(nullptr, key.get(), nullptr));
  std::size_t length = 0;
  std::string out;
  bool done = EVP_PKEY_derive_init(context.get()) == 1 &&
              EVP_PKEY_derive_set_peer(context.get(), peer.get()) == 1 &&
              EVP_PKEY_derive(context.get(), nullptr, &length) == 1;
  if (done) {
    out.resize(length);
    done = EVP_PKEY_derive(context.get(), octets(out), &length) == 1;
  }
  ERR_clear_error();
  if (!done) return;
  out.resize(length);
  giveBytes(info, out);
}

/// encapsulate(type, public DER) -> [shared secret, ciphertext]; undefined if it fails
void encapsulate(const v8::FunctionCallbackInfo<v8::Value>& info) noexcept {
  const std::string type = textOf(info.GetIsolate(), info[0]);
  const BufferView der(info[1]);
  if (!der.ok()) return throwTypeError(info.GetIsolate(), "encapsulate: no bytes");
  const Key key = parseKey(der.bytes(), false, type);
  if (!key) return;
  const KeyContext context(EVP_PKEY_CTX_new_from_pkey(nullptr, key.get(), nullptr));
  std::size_t wrappedBytes = 0, secretBytes = 0;
  std::string wrapped, secret;
  bool done =
      EVP_PKEY_encapsulate_init(context.get(), nullptr) == 1 &&
      EVP_PKEY_encapsulate(context.get(), nullptr, &wrappedBytes, nullptr, &secretBytes) == 1;
  if (done) {
    wrapped.resize(wrappedBytes);
    secret.resize(secretBytes);
    done = EVP_PKEY_encapsulate(context.get(), octets(wrapped), &wrappedBytes, octets(secret),
                                &secretBytes) == 1;
  }
  ERR_clear_error();
  if (done) giveList(info, {secret, wrapped});
}

/// decapsulate(type, private DER, ciphertext) -> the shared secret as a Uint8Array; undefined if it
/// fails
void decapsulate(const v8::FunctionCallbackInfo<v8::Value>& info) noexcept {
  const std::string type = textOf(info.GetIsolate(), info[0]);
  const BufferView der(info[1]), wrapped(info[2]);
  if (!der.ok() || !wrapped.ok()) return throwTypeError(info.GetIsolate(), "decapsulate: no bytes");
  const Key key = parseKey(der.bytes(), true, type);
  if (!key) return;
  const KeyContext context(EVP_PKEY_CTX_new_from_pkey(nullptr, key.get(), nullptr));
  const std::string_view bytes = given(wrapped.bytes());
  std::size_t length = 0;
  std::string secret;
  bool done =
      EVP_PKEY_decapsulate_init(context.get(), nullptr) == 1 &&
      EVP_PKEY_decapsulate(context.get(), nullptr, &length, octets(bytes), bytes.size()) == 1;
  if (done) {
    secret.resize(length);
    done = EVP_PKEY_decapsulate(context.get(), octets(secret), &length, octets(bytes),
                                bytes.size()) == 1;
  }
  ERR_clear_error();
  if (done) giveBytes(info, secret);
}

constexpr std::array kNatives{isolate::Native{"sign", &sign},
                              isolate::Native{"verify", &verify},
                              isolate::Native{"oaep", &oaep},
                              isolate::Native{"agree", &agree},
                              isolate::Native{"encapsulate", &encapsulate},
                              isolate::Native{"decapsulate", &decapsulate}};

}  // namespace

std::span<const isolate::Native> keyUseNatives() { return kNatives; }

}  // namespace atolld::webapi
