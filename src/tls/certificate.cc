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

bool addExtension(X509* certificate, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
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
                                    static_cast<int>(commonName.size()), -1, 0) == 1 &&
         X509_set_issuer_name(certificate, name) == 1;
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
  auto state = std::make_shared<State>();
  const BioPointer chain = bioOf(chainPem);
  state->leaf.reset(PEM_read_bio_X509(chain.get(), nullptr, nullptr, nullptr));
  if (!state->leaf) return failOpenssl(ErrorCode::InvalidArgument, "cannot read the certificate");
  state->intermediates.reset(sk_X509_new_null());
  for (;;) {
    X509Pointer next(PEM_read_bio_X509(chain.get(), nullptr, nullptr, nullptr));
    if (!next) break;
    ATOLL_CHECK(sk_X509_push(state->intermediates.get(), next.release()) > 0);
  }
  if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE) {
    return failOpenssl(ErrorCode::InvalidArgument, "cannot read the certificate chain");
  }
  ERR_clear_error();
  const BioPointer key = bioOf(keyPem);
  // An empty passphrase instead of OpenSSL's own prompt on the terminal.
  char noPassphrase[] = "";
  state->key.reset(PEM_read_bio_PrivateKey(key.get(), nullptr, nullptr, noPassphrase));
  if (!state->key) {
    return failOpenssl(ErrorCode::InvalidArgument,
                       "cannot read the private key (PEM, unencrypted)");
  }
  if (X509_check_private_key(state->leaf.get(), state->key.get()) != 1) {
    return failOpenssl(ErrorCode::InvalidArgument,
                       "the private key does not belong to the certificate");
  }
  state->names = dnsNames(state->leaf.get());
  state->notAfter = expiry(state->leaf.get());
  return Certificate(std::move(state));
}

Result<Certificate> Certificate::selfSigned(std::span<const std::string> names,
                                            std::chrono::days validity, const Clock& clock) {
  ERR_clear_error();
  const std::string alternatives = alternativeNames(names);
  if (alternatives.empty()) {
    return fail(ErrorCode::InvalidArgument, "a certificate needs host names or IP addresses");
  }
  auto state = std::make_shared<State>();
  state->key.reset(EVP_EC_gen("P-256"));
  state->leaf.reset(X509_new());
  state->intermediates.reset(sk_X509_new_null());
  if (!state->key || !state->leaf || !state->intermediates) {
    return failOpenssl(ErrorCode::Internal, "cannot make a key");
  }
  X509* const leaf = state->leaf.get();
  // A day back: the clocks of those who check it may be behind.
  const std::time_t now = std::chrono::system_clock::to_time_t(clock.now());
  const std::time_t from = now - 24 * 3600;
  const std::time_t until = now + std::chrono::seconds(validity).count();
  const bool made = X509_set_version(leaf, X509_VERSION_3) == 1 && setSerialNumber(leaf) &&
                    setSubject(leaf, names.front()) &&
                    X509_set_pubkey(leaf, state->key.get()) == 1 &&
                    ASN1_TIME_set(X509_getm_notBefore(leaf), from) != nullptr &&
                    ASN1_TIME_set(X509_getm_notAfter(leaf), until) != nullptr &&
                    addExtension(leaf, NID_basic_constraints, "critical,CA:FALSE") &&
                    addExtension(leaf, NID_key_usage, "critical,digitalSignature") &&
                    addExtension(leaf, NID_ext_key_usage, "serverAuth") &&
                    addExtension(leaf, NID_subject_key_identifier, "hash") &&
                    addExtension(leaf, NID_subject_alt_name, alternatives) &&
                    X509_sign(leaf, state->key.get(), EVP_sha256()) != 0;
  if (!made) return failOpenssl(ErrorCode::InvalidArgument, "cannot make a certificate");
  state->names = dnsNames(leaf);
  state->notAfter = expiry(leaf);
  return Certificate(std::move(state));
}

Result<Certificate> Certificate::forDevelopment(const Clock& clock) {
  const std::array<std::string, 4> names{"localhost", "*.localhost", "127.0.0.1", "::1"};
  return selfSigned(names, std::chrono::days(397), clock);
}

const std::vector<std::string>& Certificate::names() const noexcept { return state_->names; }

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
