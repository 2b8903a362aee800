// Asymmetric keys for node:crypto (isolates/node/src/crypto_keys.js). On the script's side a key is
// its DER (PKCS #8 or SubjectPublicKeyInfo), in a private field. Undefined is the answer to
// whatever OpenSSL does not take; JavaScript says what it was.

#include <openssl/core_names.h>
#include <openssl/decoder.h>
#include <openssl/ec.h>
#include <openssl/encoder.h>
#include <openssl/err.h>
#include <openssl/pem.h>
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

using Info = v8::FunctionCallbackInfo<v8::Value>;
using Key = Owned<EVP_PKEY, &EVP_PKEY_free>;
using KeyContext = Owned<EVP_PKEY_CTX, &EVP_PKEY_CTX_free>;
using DigestContext = Owned<EVP_MD_CTX, &EVP_MD_CTX_free>;

constexpr std::size_t kKeyBytesMax = 64 * 1024;
constexpr int kRsaBitsMax = 8192;

std::uint32_t numberOf(v8::Local<v8::Value> value) {
  return value->IsUint32() ? value.As<v8::Uint32>()->Value() : 0;
}

int selectionOf(bool isPrivate) { return isPrivate ? EVP_PKEY_KEYPAIR : EVP_PKEY_PUBLIC_KEY; }

/// Within what one call may cost.
bool isModest(EVP_PKEY* key) {
  return EVP_PKEY_get_base_id(key) != EVP_PKEY_RSA || EVP_PKEY_get_bits(key) <= kRsaBitsMax;
}

/// Never asks a terminal for a passphrase.
int noPassphrase(char*, std::size_t, std::size_t*, const OSSL_PARAM*, void*) { return 0; }

Key decodeKey(std::string_view data, const char* format, const char* structure, bool isPrivate,
              const std::optional<std::string>& passphrase) {
  if (data.empty() || data.size() > kKeyBytesMax) return nullptr;
  EVP_PKEY* key = nullptr;
  const Owned<OSSL_DECODER_CTX, &OSSL_DECODER_CTX_free> context(OSSL_DECODER_CTX_new_for_pkey(
      &key, format, structure, nullptr, selectionOf(isPrivate), nullptr, nullptr));
  if (!context) return nullptr;
  if (passphrase) {
    OSSL_DECODER_CTX_set_passphrase(context.get(), octets(std::string_view(*passphrase)),
                                    passphrase->size());
  } else {
    OSSL_DECODER_CTX_set_passphrase_cb(context.get(), &noPassphrase, nullptr);
  }
  const unsigned char* at = octets(data);
  std::size_t left = data.size();
  const bool done = OSSL_DECODER_from_data(context.get(), &at, &left) == 1;
  Key owned(key);
  ERR_clear_error();
  return done && owned && isModest(owned.get()) ? std::move(owned) : nullptr;
}

Key keyOf(const Info& info, int der, int isPrivate) {
  const BufferView view(info[der]);
  if (!view.ok()) return nullptr;
  const bool secret = info[isPrivate]->IsTrue();
  return decodeKey(view.bytes(), "DER", secret ? "PrivateKeyInfo" : "SubjectPublicKeyInfo", secret,
                   std::nullopt);
}

std::optional<std::string> encodeKey(EVP_PKEY* key, const char* format, const char* structure,
                                     bool isPrivate, const std::string& cipher,
                                     const std::optional<std::string>& passphrase) {
  const Owned<OSSL_ENCODER_CTX, &OSSL_ENCODER_CTX_free> context(
      OSSL_ENCODER_CTX_new_for_pkey(key, selectionOf(isPrivate), format, structure, nullptr));
  if (!context || OSSL_ENCODER_CTX_get_num_encoders(context.get()) == 0) return std::nullopt;
  if (passphrase) {
    if (OSSL_ENCODER_CTX_set_cipher(context.get(), cipher.c_str(), nullptr) != 1 ||
        OSSL_ENCODER_CTX_set_passphrase(context.get(), octets(std::string_view(*passphrase)),
                                        passphrase->size()) != 1) {
      return std::nullopt;
    }
  }
  unsigned char* out = nullptr;
  std::size_t length = 0;
  if (OSSL_ENCODER_to_data(context.get(), &out, &length) != 1) return std::nullopt;
  std::string text(reinterpret_cast<const char*>(out), length);
  OPENSSL_clear_free(out, length);
  return text;
}

std::optional<std::string> derOf(EVP_PKEY* key, bool isPrivate) {
  return encodeKey(key, "DER", isPrivate ? "PrivateKeyInfo" : "SubjectPublicKeyInfo", isPrivate, {},
                   std::nullopt);
}

std::optional<std::string> optionalText(const Info& info, int index) {
  const BufferView view(info[index]);
  if (view.ok()) return std::string(view.bytes());
  return std::nullopt;
}

void giveBoth(const Info& info, EVP_PKEY* key) {
  v8::Isolate* const isolate = info.GetIsolate();
  const auto secret = derOf(key, true), open = derOf(key, false);
  v8::Local<v8::Uint8Array> a, b;
  if (!secret || !open || !uint8ArrayOf(isolate, *secret).ToLocal(&a) ||
      !uint8ArrayOf(isolate, *open).ToLocal(&b)) {
    return;
  }
  std::array<v8::Local<v8::Value>, 2> pair{a, b};
  info.GetReturnValue().Set(v8::Array::New(isolate, pair.data(), pair.size()));
}

/// nodeKeyDecode(bytes, "PEM" | "DER", structure or undefined, private, passphrase or undefined) ->
/// DER
void keyDecode(const Info& info) noexcept {
  v8::Isolate* const isolate = info.GetIsolate();
  const BufferView data(info[0]);
  if (!data.ok()) return throwTypeError(isolate, "keyDecode: no bytes");
  const std::string format = textOf(isolate, info[1]), structure = textOf(isolate, info[2]);
  const bool isPrivate = info[3]->IsTrue();
  const Key key =
      decodeKey(data.bytes(), format.c_str(), structure.empty() ? nullptr : structure.c_str(),
                isPrivate, optionalText(info, 4));
  if (!key) return;
  if (const auto der = derOf(key.get(), isPrivate)) giveBytes(info, *der);
  ERR_clear_error();
}

/// nodeCertificateKey(PEM or DER of an X.509 certificate) -> public DER
void certificateKey(const Info& info) noexcept {
  const BufferView data(info[0]);
  if (!data.ok() || data.bytes().size() > kKeyBytesMax) return;
  const Owned<BIO, &BIO_free_all> bio(
      BIO_new_mem_buf(data.bytes().data(), static_cast<int>(data.bytes().size())));
  const bool isPem = data.bytes().contains("-----BEGIN");
  const Owned<X509, &X509_free> certificate(
      isPem ? PEM_read_bio_X509(
                  bio.get(), nullptr, [](char*, int, int, void*) { return 0; }, nullptr)
            : d2i_X509_bio(bio.get(), nullptr));
  if (certificate) {
    const Key key(X509_get_pubkey(certificate.get()));
    if (key && isModest(key.get())) {
      if (const auto der = derOf(key.get(), false)) giveBytes(info, *der);
    }
  }
  ERR_clear_error();
}

/// nodeKeyEncode(DER, private, "PEM" | "DER", structure, cipher, passphrase or undefined) -> bytes
void keyEncode(const Info& info) noexcept {
  v8::Isolate* const isolate = info.GetIsolate();
  const Key key = keyOf(info, 0, 1);
  if (!key) return;
  const auto out =
      encodeKey(key.get(), textOf(isolate, info[2]).c_str(), textOf(isolate, info[3]).c_str(),
                info[1]->IsTrue(), textOf(isolate, info[4]), optionalText(info, 5));
  ERR_clear_error();
  if (out) giveBytes(info, *out);
}

/// nodeKeyDetails(DER, private) -> [type, bits, curve, public exponent]
void keyDetails(const Info& info) noexcept {
  v8::Isolate* const isolate = info.GetIsolate();
  const Key key = keyOf(info, 0, 1);
  if (!key) return;
  std::array<char, 80> group{};
  EVP_PKEY_get_group_name(key.get(), group.data(), group.size(), nullptr);
  BIGNUM* exponent = nullptr;
  EVP_PKEY_get_bn_param(key.get(), OSSL_PKEY_PARAM_RSA_E, &exponent);
  const Owned<BIGNUM, &BN_free> owned(exponent);
  const double e = exponent == nullptr ? 0 : static_cast<double>(BN_get_word(exponent));
  ERR_clear_error();
  v8::Local<v8::String> type, curve;
  const char* const name = EVP_PKEY_get0_type_name(key.get());
  if (!stringOfLatin1(isolate, name == nullptr ? "" : name).ToLocal(&type) ||
      !stringOfLatin1(isolate, group.data()).ToLocal(&curve)) {
    return;
  }
  std::array<v8::Local<v8::Value>, 4> parts{type,
                                            v8::Integer::New(isolate, EVP_PKEY_get_bits(key.get())),
                                            curve, v8::Number::New(isolate, e)};
  info.GetReturnValue().Set(v8::Array::New(isolate, parts.data(), parts.size()));
}

/// nodeKeyPublic(private DER) -> public DER
void keyPublic(const Info& info) noexcept {
  const BufferView view(info[0]);
  if (!view.ok()) return;
  const Key key = decodeKey(view.bytes(), "DER", "PrivateKeyInfo", true, std::nullopt);
  if (!key) return;
  if (const auto der = derOf(key.get(), false)) giveBytes(info, *der);
  ERR_clear_error();
}

/// nodeKeyGenerate("RSA", bits, exponent) | ("EC", curve) | ("ED25519" …) -> [private DER, public
/// DER]
void keyGenerate(const Info& info) noexcept {
  v8::Isolate* const isolate = info.GetIsolate();
  const std::string type = textOf(isolate, info[0]);
  EVP_PKEY* made = nullptr;
  if (type == "RSA") {
    const std::uint32_t bits = numberOf(info[1]);
    const KeyContext context(EVP_PKEY_CTX_new_from_name(nullptr, "RSA", nullptr));
    const Owned<BIGNUM, &BN_free> exponent(BN_new());
    BN_set_word(exponent.get(), numberOf(info[2]));
    if (bits >= 512 && bits <= 4096 && EVP_PKEY_keygen_init(context.get()) == 1 &&
        EVP_PKEY_CTX_set_rsa_keygen_bits(context.get(), static_cast<int>(bits)) == 1 &&
        EVP_PKEY_CTX_set1_rsa_keygen_pubexp(context.get(), exponent.get()) == 1) {
      EVP_PKEY_generate(context.get(), &made);
    }
  } else if (type == "EC") {
    made = EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", textOf(isolate, info[1]).c_str());
  } else if (type == "ED25519" || type == "ED448" || type == "X25519" || type == "X448") {
    made = EVP_PKEY_Q_keygen(nullptr, nullptr, type.c_str());
  }
  const Key key(made);
  if (key) giveBoth(info, key.get());
  ERR_clear_error();
}

// ---- signatures ---------------------------------------------------------------------------------

struct Scheme {
  Owned<EVP_MD, &EVP_MD_free> digest;  ///< Null: the key's own.
  std::uint32_t padding = 0;           ///< RSA_..._PADDING; 0: the default.
  std::optional<int> saltBytes;

  bool apply(EVP_PKEY_CTX* context) const {
    if (padding == 0) return true;
    return EVP_PKEY_CTX_set_rsa_padding(context, static_cast<int>(padding)) == 1 &&
           (!saltBytes || padding != RSA_PKCS1_PSS_PADDING ||
            EVP_PKEY_CTX_set_rsa_pss_saltlen(context, *saltBytes) == 1);
  }
};

Scheme schemeOf(const Info& info, int at) {
  Scheme scheme;
  std::string name = textOf(info.GetIsolate(), info[at]);
  if (name.starts_with("RSA-")) name = name.substr(4);
  if (!name.empty()) scheme.digest.reset(EVP_MD_fetch(nullptr, name.c_str(), nullptr));
  scheme.padding = numberOf(info[at + 1]);
  if (info[at + 2]->IsInt32()) scheme.saltBytes = info[at + 2].As<v8::Int32>()->Value();
  return scheme;
}

/// nodeKeySign(private DER, data, digest or "", padding or 0, salt bytes) -> signature
void keySign(const Info& info) noexcept {
  const BufferView der(info[0]), data(info[1]);
  if (!der.ok() || !data.ok()) return throwTypeError(info.GetIsolate(), "keySign: no bytes");
  const Key key = decodeKey(der.bytes(), "DER", "PrivateKeyInfo", true, std::nullopt);
  const Scheme scheme = schemeOf(info, 2);
  const DigestContext context(EVP_MD_CTX_new());
  EVP_PKEY_CTX* keyContext = nullptr;
  std::size_t length = 0;
  std::string out;
  bool done = key &&
              EVP_DigestSignInit(context.get(), &keyContext, scheme.digest.get(), nullptr,
                                 key.get()) == 1 &&
              scheme.apply(keyContext) &&
              EVP_DigestSign(context.get(), nullptr, &length, octets(data.bytes()),
                             data.bytes().size()) == 1;
  if (done) {
    out.resize(length);
    done = EVP_DigestSign(context.get(), octets(out), &length, octets(data.bytes()),
                          data.bytes().size()) == 1;
    out.resize(done ? length : 0);
  }
  ERR_clear_error();
  if (done) giveBytes(info, out);
}

/// nodeKeyVerify(public DER, data, signature, digest or "", padding or 0, salt bytes) -> boolean;
/// undefined if the key or the digest will not do
void keyVerify(const Info& info) noexcept {
  const BufferView der(info[0]), data(info[1]), signature(info[2]);
  if (!der.ok() || !data.ok() || !signature.ok()) {
    return throwTypeError(info.GetIsolate(), "keyVerify: no bytes");
  }
  const Key key = decodeKey(der.bytes(), "DER", "SubjectPublicKeyInfo", false, std::nullopt);
  const Scheme scheme = schemeOf(info, 3);
  const DigestContext context(EVP_MD_CTX_new());
  EVP_PKEY_CTX* keyContext = nullptr;
  if (key &&
      EVP_DigestVerifyInit(context.get(), &keyContext, scheme.digest.get(), nullptr, key.get()) ==
          1 &&
      scheme.apply(keyContext)) {
    info.GetReturnValue().Set(EVP_DigestVerify(context.get(), octets(signature.bytes()),
                                               signature.bytes().size(), octets(data.bytes()),
                                               data.bytes().size()) == 1);
  }
  ERR_clear_error();
}

// ---- encryption and agreement -------------------------------------------------------------------

/// nodeKeyCrypt(DER, private, encrypt, data, padding, OAEP digest, label or undefined) -> bytes.
/// Encrypting with a private key, and back with the public one, is signing what is given.
void keyCrypt(const Info& info) noexcept {
  v8::Isolate* const isolate = info.GetIsolate();
  const Key key = keyOf(info, 0, 1);
  const BufferView data(info[3]);
  if (!key || !data.ok()) return;
  const bool isPrivate = info[1]->IsTrue(), encrypts = info[2]->IsTrue();
  using Start = int (*)(EVP_PKEY_CTX*);
  using Run =
      int (*)(EVP_PKEY_CTX*, unsigned char*, std::size_t*, const unsigned char*, std::size_t);
  const Start start = encrypts ? (isPrivate ? EVP_PKEY_sign_init : EVP_PKEY_encrypt_init)
                               : (isPrivate ? EVP_PKEY_decrypt_init : EVP_PKEY_verify_recover_init);
  const Run run = encrypts ? (isPrivate ? EVP_PKEY_sign : EVP_PKEY_encrypt)
                           : (isPrivate ? EVP_PKEY_decrypt : EVP_PKEY_verify_recover);
  const KeyContext context(EVP_PKEY_CTX_new_from_pkey(nullptr, key.get(), nullptr));
  const auto padding = static_cast<int>(numberOf(info[4]));
  bool ready = context && start(context.get()) == 1 &&
               EVP_PKEY_CTX_set_rsa_padding(context.get(), padding) == 1;
  if (ready && padding == RSA_PKCS1_OAEP_PADDING) {
    const std::string digest = textOf(isolate, info[5]);
    ready = EVP_PKEY_CTX_set_rsa_oaep_md_name(context.get(), digest.c_str(), nullptr) == 1;
    if (const auto label = optionalText(info, 6); ready && label && !label->empty()) {
      void* const copy = OPENSSL_memdup(label->data(), label->size());
      ready = EVP_PKEY_CTX_set0_rsa_oaep_label(context.get(), copy,
                                               static_cast<int>(label->size())) == 1;
      if (!ready) OPENSSL_free(copy);
    }
  }
  std::size_t length = 0;
  std::string out;
  ready =
      ready && run(context.get(), nullptr, &length, octets(data.bytes()), data.bytes().size()) == 1;
  if (ready) {
    out.resize(length);
    ready =
        run(context.get(), octets(out), &length, octets(data.bytes()), data.bytes().size()) == 1;
  }
  ERR_clear_error();
  if (!ready) return;
  out.resize(length);
  giveBytes(info, out);
}

/// nodeKeyAgree(private DER, public DER) -> shared secret
void keyAgree(const Info& info) noexcept {
  const BufferView own(info[0]), other(info[1]);
  if (!own.ok() || !other.ok()) return throwTypeError(info.GetIsolate(), "keyAgree: no bytes");
  const Key secret = decodeKey(own.bytes(), "DER", "PrivateKeyInfo", true, std::nullopt);
  const Key open = decodeKey(other.bytes(), "DER", "SubjectPublicKeyInfo", false, std::nullopt);
  if (!secret || !open) return;
  const KeyContext context(EVP_PKEY_CTX_new_from_pkey(nullptr, secret.get(), nullptr));
  std::size_t length = 0;
  std::string out;
  bool done = context && EVP_PKEY_derive_init(context.get()) == 1 &&
              EVP_PKEY_derive_set_peer(context.get(), open.get()) == 1 &&
              EVP_PKEY_derive(context.get(), nullptr, &length) == 1;
  if (done) {
    out.resize(length);
    done = EVP_PKEY_derive(context.get(), octets(out), &length) == 1;
    out.resize(done ? length : 0);
  }
  ERR_clear_error();
  if (done) giveBytes(info, out);
}

constexpr std::array kNatives{isolate::Native{"nodeKeyDecode", &keyDecode},
                              isolate::Native{"nodeCertificateKey", &certificateKey},
                              isolate::Native{"nodeKeyEncode", &keyEncode},
                              isolate::Native{"nodeKeyDetails", &keyDetails},
                              isolate::Native{"nodeKeyPublic", &keyPublic},
                              isolate::Native{"nodeKeyGenerate", &keyGenerate},
                              isolate::Native{"nodeKeySign", &keySign},
                              isolate::Native{"nodeKeyVerify", &keyVerify},
                              isolate::Native{"nodeKeyCrypt", &keyCrypt},
                              isolate::Native{"nodeKeyAgree", &keyAgree}};

}  // namespace

std::span<const isolate::Native> nodeKeyNatives() { return kNatives; }

}  // namespace atolld::webapi
