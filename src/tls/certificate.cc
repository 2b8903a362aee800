#include "tls/certificate.h"

#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include <array>
#include <ctime>
#include <utility>

#include "base/check.h"
#include "base/encoding.h"
#include "tls/certificate_state.h"

namespace atolld::tls {
namespace {

struct FreeNames {
  void operator()(GENERAL_NAMES* names) const noexcept { GENERAL_NAMES_free(names); }
};

BioPointer bioOf(std::string_view text) {
  BioPointer bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
  ATOLL_CHECK(bio != nullptr);
  return bio;
}

std::string textOf(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return std::string(data, static_cast<std::size_t>(size));
}

std::vector<std::string> dnsNames(X509* certificate) {
  std::vector<std::string> names;
  const std::unique_ptr<GENERAL_NAMES, FreeNames> all(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; all && i < sk_GENERAL_NAME_num(all.get()); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(all.get(), i);
    if (name->type != GEN_DNS) continue;
    const auto* text = reinterpret_cast<const char*>(ASN1_STRING_get0_data(name->d.dNSName));
    names.push_back(toLowerAscii(
        std::string_view(text, static_cast<std::size_t>(ASN1_STRING_length(name->d.dNSName)))));
  }
  return names;
}

UnixMillis expiry(const X509* certificate) {
  std::tm time{};
  ATOLL_CHECK(ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &time) == 1);
  return UnixMillis(std::chrono::seconds(timegm(&time)));
}

bool addExtension(X509* issuer, X509* certificate, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
  if (extension == nullptr) return false;
  const bool added = X509_add_ext(certificate, extension, -1) == 1;
  X509_EXTENSION_free(extension);
  return added;
}

bool setSerialNumber(X509* certificate) {
  std::array<unsigned char, 16> bytes{};
  if (RAND_bytes(bytes.data(), bytes.size()) != 1) return false;
  bytes[0] &= 0x7f;
  BIGNUM* number = BN_bin2bn(bytes.data(), bytes.size(), nullptr);
  const bool set = number != nullptr &&
                   BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) != nullptr;
  BN_free(number);
  return set;
}

bool setSubject(X509* certificate, const std::string& commonName) {
  X509_NAME* name = X509_get_subject_name(certificate);
  const auto* text = reinterpret_cast<const unsigned char*>(commonName.data());
  return X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, text,
                                    static_cast<int>(commonName.size()), -1, 0) == 1;
}

/// A subjectAltName value in OpenSSL's configuration syntax; empty if a name does not fit in it.
std::string alternativeNames(std::span<const std::string> names) {
  std::string value;
  for (const std::string& name : names) {
    const bool plain = name.find_first_of(", \n\r\t\"\\;") == std::string::npos;
    if (!plain || name.empty()) return {};
    ASN1_OCTET_STRING* const ip = a2i_IPADDRESS(name.c_str());
    const bool isIp = ip != nullptr;
    ASN1_OCTET_STRING_free(ip);
    value += (value.empty() ? "" : ",") + std::string(isIp ? "IP:" : "DNS:") + name;
  }
  ERR_clear_error();
  return value;
}

/// An X.509 certificate in the making, and the EC P-256 key it is for.
struct Draft {
  X509Pointer certificate;
  KeyPointer key;
};

Result<Draft> startDraft(const std::string& subject, std::chrono::days validity,
                         const Clock& clock) {
  ERR_clear_error();
  Draft draft{.certificate = X509Pointer(X509_new()), .key = KeyPointer(EVP_EC_gen("P-256"))};
  X509* const made = draft.certificate.get();
  if (!draft.key || made == nullptr) return failOpenssl(ErrorCode::Internal, "cannot make a key");
  // A day back: the clocks of those who check it may be behind.
  const std::time_t now = std::chrono::system_clock::to_time_t(clock.now());
  const bool ready = X509_set_version(made, X509_VERSION_3) == 1 && setSerialNumber(made) &&
                     setSubject(made, subject) && X509_set_pubkey(made, draft.key.get()) == 1 &&
                     ASN1_TIME_set(X509_getm_notBefore(made), now - 24 * 3600) != nullptr &&
                     ASN1_TIME_set(X509_getm_notAfter(made),
                                   now + std::chrono::seconds(validity).count()) != nullptr;
  if (!ready) return failOpenssl(ErrorCode::InvalidArgument, "cannot make a certificate");
  return draft;
}

using Extensions = std::span<const std::pair<int, std::string>>;

/// Signed by `issuer`, or by its own key if there is none.
bool finishDraft(const Draft& draft, X509* issuer, EVP_PKEY* issuerKey, Extensions extensions) {
  X509* const made = draft.certificate.get();
  if (issuer == nullptr) issuer = made;
  if (issuerKey == nullptr) issuerKey = draft.key.get();
  for (const auto& [nid, value] : extensions) {
    if (!addExtension(issuer, made, nid, value)) return false;
  }
  return X509_set_issuer_name(made, X509_get_subject_name(issuer)) == 1 &&
         X509_sign(made, issuerKey, EVP_sha256()) != 0;
}

Result<RequestPointer> readRequest(std::string_view pem) {
  ERR_clear_error();
  const BioPointer bio = bioOf(pem);
  RequestPointer request(PEM_read_bio_X509_REQ(bio.get(), nullptr, nullptr, nullptr));
  EVP_PKEY* const key = request ? X509_REQ_get0_pubkey(request.get()) : nullptr;
  if (key == nullptr || X509_REQ_verify(request.get(), key) != 1) {
    return failOpenssl(ErrorCode::InvalidArgument, "this is no certificate request");
  }
  char group[32] = "";
  if (EVP_PKEY_get_base_id(key) != EVP_PKEY_EC ||
      EVP_PKEY_get_group_name(key, group, sizeof(group), nullptr) != 1 ||
      std::string_view(group) != "prime256v1") {
    return fail(ErrorCode::InvalidArgument, "a certificate request is for an EC P-256 key");
  }
  return request;
}

std::string hashOfKey(X509_PUBKEY* key) {
  unsigned char* der = nullptr;
  const int size = i2d_X509_PUBKEY(key, &der);
  ATOLL_CHECK(size > 0);
  std::array<unsigned char, EVP_MAX_MD_SIZE> hash{};
  unsigned int hashSize = 0;
  ATOLL_CHECK(EVP_Digest(der, static_cast<std::size_t>(size), hash.data(), &hashSize, EVP_sha256(),
                         nullptr) == 1);
  OPENSSL_free(der);
  return std::string(reinterpret_cast<const char*>(hash.data()), hashSize);
}

Result<KeyRequest> requestFor(EVP_PKEY* key) {
  const RequestPointer request(X509_REQ_new());
  const BioPointer requestBio(BIO_new(BIO_s_mem()));
  const BioPointer keyBio(BIO_new(BIO_s_secmem()));
  const bool made =
      request && key != nullptr && requestBio && keyBio &&
      X509_REQ_set_pubkey(request.get(), key) == 1 &&
      X509_REQ_sign(request.get(), key, EVP_sha256()) != 0 &&
      PEM_write_bio_X509_REQ(requestBio.get(), request.get()) == 1 &&
      PEM_write_bio_PrivateKey(keyBio.get(), key, nullptr, nullptr, 0, nullptr, nullptr) == 1;
  if (!made) return failOpenssl(ErrorCode::Internal, "cannot make a certificate request");
  return KeyRequest{.keyPem = textOf(keyBio.get()), .requestPem = textOf(requestBio.get())};
}

/// For a server of these names.
Result<Draft> makeLeaf(std::span<const std::string> names, std::chrono::days validity,
                       const Clock& clock, X509* issuer, EVP_PKEY* issuerKey) {
  const std::string alternatives = alternativeNames(names);
  if (alternatives.empty()) {
    return fail(ErrorCode::InvalidArgument, "a certificate needs host names or IP addresses");
  }
  // A common name has 64 characters at the most; who checks looks at the alternative names.
  ATOLL_TRY(Draft draft, startDraft(names.front().substr(0, 64), validity, clock));
  std::vector<std::pair<int, std::string>> extensions{{NID_basic_constraints, "critical,CA:FALSE"},
                                                      {NID_key_usage, "critical,digitalSignature"},
                                                      {NID_ext_key_usage, "serverAuth"},
                                                      {NID_subject_key_identifier, "hash"},
                                                      {NID_subject_alt_name, alternatives}};
  if (issuer != nullptr) extensions.emplace_back(NID_authority_key_identifier, "keyid:always");
  if (!finishDraft(draft, issuer, issuerKey, extensions)) {
    return failOpenssl(ErrorCode::InvalidArgument, "cannot make a certificate");
  }
  return draft;
}

}  // namespace

std::string takeOpensslError() {
  const unsigned long code = ERR_peek_error();
  ERR_clear_error();
  if (code == 0) return "unknown error";
  const char* reason = ERR_reason_error_string(code);
  return reason != nullptr ? reason : "error " + std::to_string(code);
}

Result<Certificate> Certificate::fromPem(std::string_view chainPem, std::string_view keyPem) {
  ERR_clear_error();
  State state;
  const BioPointer chain = bioOf(chainPem);
  state.leaf.reset(PEM_read_bio_X509(chain.get(), nullptr, nullptr, nullptr));
  if (!state.leaf) return failOpenssl(ErrorCode::InvalidArgument, "cannot read the certificate");
  state.intermediates.reset(sk_X509_new_null());
  for (;;) {
    X509Pointer next(PEM_read_bio_X509(chain.get(), nullptr, nullptr, nullptr));
    if (!next) break;
    ATOLL_CHECK(sk_X509_push(state.intermediates.get(), next.release()) > 0);
  }
  if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE) {
    return failOpenssl(ErrorCode::InvalidArgument, "cannot read the certificate chain");
  }
  ERR_clear_error();
  const BioPointer key = bioOf(keyPem);
  // An empty passphrase instead of OpenSSL's own prompt on the terminal.
  char noPassphrase[] = "";
  state.key.reset(PEM_read_bio_PrivateKey(key.get(), nullptr, nullptr, noPassphrase));
  if (!state.key) {
    return failOpenssl(ErrorCode::InvalidArgument,
                       "cannot read the private key (PEM, unencrypted)");
  }
  if (X509_check_private_key(state.leaf.get(), state.key.get()) != 1) {
    return failOpenssl(ErrorCode::InvalidArgument,
                       "the private key does not belong to the certificate");
  }
  return of(std::move(state));
}

Result<KeyRequest> makeRequest() {
  ERR_clear_error();
  const KeyPointer key(EVP_EC_gen("P-256"));
  return requestFor(key.get());
}

Result<std::string> makeRequestFor(std::string_view keyPem) {
  ERR_clear_error();
  const BioPointer bio = bioOf(keyPem);
  char noPassphrase[] = "";
  const KeyPointer key(PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, noPassphrase));
  if (!key) return failOpenssl(ErrorCode::InvalidArgument, "cannot read the private key");
  ATOLL_TRY(KeyRequest made, requestFor(key.get()));
  return std::move(made.requestPem);
}

Result<std::string> requestKeyHash(std::string_view requestPem) {
  ATOLL_TRY(const RequestPointer request, readRequest(requestPem));
  return hashOfKey(X509_REQ_get_X509_PUBKEY(request.get()));
}

Result<std::string> Certificate::answerRequest(const Certificate& issuer,
                                               std::string_view requestPem,
                                               const std::string& subject,
                                               std::span<const std::string> names,
                                               std::chrono::days validity, const Clock& clock) {
  ATOLL_TRY(const RequestPointer request, readRequest(requestPem));
  ATOLL_TRY(const Draft draft, startDraft(subject, validity, clock));
  const std::vector<std::pair<int, std::string>> extensions{
      {NID_basic_constraints, "critical,CA:FALSE"},
      {NID_key_usage, "critical,digitalSignature"},
      {NID_ext_key_usage, "serverAuth,clientAuth"},
      {NID_subject_key_identifier, "hash"},
      {NID_subject_alt_name, alternativeNames(names)},
      {NID_authority_key_identifier, "keyid:always"}};
  X509* const made = draft.certificate.get();
  if (X509_set_pubkey(made, X509_REQ_get0_pubkey(request.get())) != 1 ||
      !finishDraft(draft, issuer.state_->leaf.get(), issuer.state_->key.get(), extensions)) {
    return failOpenssl(ErrorCode::InvalidArgument, "cannot make a certificate");
  }
  const BioPointer bio(BIO_new(BIO_s_mem()));
  ATOLL_CHECK(bio && PEM_write_bio_X509(bio.get(), made) == 1);
  return textOf(bio.get()) + issuer.chainPem();
}

Result<Certificate> Certificate::chainedTo(const Certificate& issuer) const {
  return fromPem(chainPem() + issuer.chainPem(), privateKeyPem());
}

std::string Certificate::keyHash() const {
  return hashOfKey(X509_get_X509_PUBKEY(state_->leaf.get()));
}

std::string Certificate::fingerprint() const { return fingerprintOf(state_->leaf.get()); }

std::string keyHashOf(const X509* certificate) {
  return hashOfKey(X509_get_X509_PUBKEY(certificate));
}

std::string fingerprintOf(const X509* certificate) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> hash{};
  unsigned int size = 0;
  ATOLL_CHECK(X509_digest(certificate, EVP_sha256(), hash.data(), &size) == 1);
  return std::string(reinterpret_cast<const char*>(hash.data()), size);
}

Certificate Certificate::of(State state) {
  state.names = dnsNames(state.leaf.get());
  state.notAfter = expiry(state.leaf.get());
  return Certificate(std::make_shared<const State>(std::move(state)));
}

Result<Certificate> Certificate::selfSigned(std::span<const std::string> names,
                                            std::chrono::days validity, const Clock& clock) {
  ATOLL_TRY(Draft made, makeLeaf(names, validity, clock, nullptr, nullptr));
  return of({.leaf = std::move(made.certificate), .key = std::move(made.key)});
}

Result<Certificate> Certificate::issued(const Certificate& issuer,
                                        std::span<const std::string> names,
                                        std::chrono::days validity, const Clock& clock) {
  ATOLL_TRY(Draft made,
            makeLeaf(names, validity, clock, issuer.state_->leaf.get(), issuer.state_->key.get()));
  return of({.leaf = std::move(made.certificate), .key = std::move(made.key)});
}

Result<Certificate> Certificate::authority(const std::string& subject, const std::string& domain,
                                           std::chrono::days validity, const Clock& clock) {
  ATOLL_TRY(Draft made, startDraft(subject, validity, clock));
  const std::vector<std::pair<int, std::string>> extensions{
      {NID_basic_constraints, "critical,CA:TRUE,pathlen:0"},
      {NID_key_usage, "critical,keyCertSign"},
      {NID_subject_key_identifier, "hash"},
      {NID_name_constraints, "critical,permitted;DNS:" + domain +
                                 ",permitted;IP:127.0.0.0/255.0.0.0,permitted;IP:::1/"
                                 "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"}};
  if (!finishDraft(made, nullptr, nullptr, extensions)) {
    return failOpenssl(ErrorCode::InvalidArgument, "cannot make an authority");
  }
  return of({.leaf = std::move(made.certificate), .key = std::move(made.key)});
}

Result<Certificate> Certificate::forDevelopment(const Clock& clock) {
  const std::array<std::string, 4> names{"localhost", "*.localhost", "127.0.0.1", "::1"};
  return selfSigned(names, std::chrono::days(397), clock);
}

const std::vector<std::string>& Certificate::names() const noexcept { return state_->names; }

std::string Certificate::subject() const {
  std::array<char, 256> text{};
  const int size = X509_NAME_get_text_by_NID(X509_get_subject_name(state_->leaf.get()),
                                             NID_commonName, text.data(), text.size());
  return size > 0 ? std::string(text.data(), static_cast<std::size_t>(size)) : std::string();
}

UnixMillis Certificate::notAfter() const noexcept { return state_->notAfter; }

std::string Certificate::chainPem() const {
  const BioPointer bio(BIO_new(BIO_s_mem()));
  ATOLL_CHECK(bio && PEM_write_bio_X509(bio.get(), state_->leaf.get()) == 1);
  for (int i = 0; i < sk_X509_num(state_->intermediates.get()); ++i) {
    ATOLL_CHECK(PEM_write_bio_X509(bio.get(), sk_X509_value(state_->intermediates.get(), i)) == 1);
  }
  return textOf(bio.get());
}

std::string Certificate::privateKeyPem() const {
  const BioPointer bio(BIO_new(BIO_s_secmem()));
  ATOLL_CHECK(bio && PEM_write_bio_PrivateKey(bio.get(), state_->key.get(), nullptr, nullptr, 0,
                                              nullptr, nullptr) == 1);
  return textOf(bio.get());
}

}  // namespace atolld::tls
