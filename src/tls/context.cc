#include "tls/context.h"

#include <openssl/core_names.h>
#include <openssl/params.h>
#include <openssl/pem.h>
#include <openssl/rand.h>

#include <algorithm>
#include <span>
#include <string_view>
#include <utility>

#include "base/check.h"
#include "tls/certificate_state.h"
#include "tls/openssl.h"

namespace atolld::tls {
namespace {

// TLS 1.2 is for old clients only: forward secrecy and AEAD, nothing else. HTTP/2 forbids the rest
// anyway (RFC 9113 appendix A).
constexpr const char* kTls12Ciphers =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
constexpr const char* kTls13Ciphers =
    "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";

/// RFC 7301 section 3.1: each name behind a byte with its length.
Result<std::string> encodeProtocols(const std::vector<std::string>& protocols) {
  std::string wire;
  for (const std::string& name : protocols) {
    if (name.empty() || name.size() > 255) {
      return fail(ErrorCode::InvalidArgument, "\"" + name + "\" is no ALPN protocol name");
    }
    wire += static_cast<char>(name.size());
    wire += name;
  }
  return wire;
}

bool setCommon(SSL_CTX* context) {
  SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
                                   SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
  // Buffers of idle connections go back: 34 KB each.
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_AUTO_RETRY);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  return SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) == 1 &&
         SSL_CTX_set_max_proto_version(context, TLS1_3_VERSION) == 1 &&
         SSL_CTX_set_cipher_list(context, kTls12Ciphers) == 1 &&
         SSL_CTX_set_ciphersuites(context, kTls13Ciphers) == 1;
}

bool setTicketMac(EVP_MAC_CTX* mac, const TicketKeys::Key& key) {
  auto secret = key.macKey;
  char digest[] = "SHA256";
  const OSSL_PARAM params[] = {
      OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, secret.data(), secret.size()),
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0), OSSL_PARAM_END};
  const bool set = EVP_MAC_CTX_set_params(mac, params) == 1;
  OPENSSL_cleanse(secret.data(), secret.size());
  return set;
}

}  // namespace

/// What OpenSSL calls during a server's handshake.
struct ServerCallbacks {
  static const ServerContext& contextOf(SSL* ssl) {
    return *static_cast<const ServerContext*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
  }

  /// RFC 6066 section 3.
  static int onServerName(SSL* ssl, int* alert, void*) noexcept {
    const ServerContext& self = contextOf(ssl);
    const std::shared_ptr<const Certificates> all = self.options_.certificates->current();
    const char* name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    const Certificate* certificate = name != nullptr ? all->find(name) : nullptr;
    std::optional<Certificate> issued;
    if (certificate == nullptr && name != nullptr && all->authority() != nullptr) {
      if (auto made = all->authority()->certificateFor(name)) {
        certificate = &issued.emplace(*std::move(made));
      }
    }
    if (certificate == nullptr) {
      if (name != nullptr && self.options_.unknownName == UnknownName::Refuse) {
        *alert = SSL_AD_UNRECOGNIZED_NAME;
        return SSL_TLSEXT_ERR_ALERT_FATAL;
      }
      certificate = all->defaultCertificate();
    }
    if (certificate == nullptr) {
      *alert = name != nullptr ? SSL_AD_UNRECOGNIZED_NAME : SSL_AD_MISSING_EXTENSION;
      return SSL_TLSEXT_ERR_ALERT_FATAL;
    }
    if (!self.useCertificate(ssl, *certificate)) {
      *alert = SSL_AD_INTERNAL_ERROR;
      return SSL_TLSEXT_ERR_ALERT_FATAL;
    }
    return SSL_TLSEXT_ERR_OK;
  }

  /// RFC 7301 section 3.2.
  static int onProtocols(SSL* ssl, const unsigned char** out, unsigned char* outSize,
                         const unsigned char* offered, unsigned int offeredSize, void*) noexcept {
    const std::string& ours = contextOf(ssl).wireProtocols_;
    unsigned char* chosen = nullptr;
    const int status =
        SSL_select_next_proto(&chosen, outSize, reinterpret_cast<const unsigned char*>(ours.data()),
                              static_cast<unsigned int>(ours.size()), offered, offeredSize);
    if (status != OPENSSL_NPN_NEGOTIATED) return SSL_TLSEXT_ERR_ALERT_FATAL;
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
  }

  /// RFC 5077 section 4: name, IV, encrypted state, MAC.
  static int onTicket(SSL* ssl, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher,
                      EVP_MAC_CTX* mac, int seal) noexcept {
    TicketKeys& keys = *contextOf(ssl).options_.ticketKeys;
    constexpr int kFull = 0;  // No resumption, no ticket.
    if (seal != 0) {
      const std::optional<TicketKeys::Key> key = keys.current();
      if (!key || RAND_bytes(iv, EVP_CIPHER_get_iv_length(EVP_aes_256_cbc())) != 1) return kFull;
      std::copy(key->name.begin(), key->name.end(), name);
      const bool ready =
          EVP_EncryptInit_ex2(cipher, EVP_aes_256_cbc(), key->cipherKey.data(), iv, nullptr) == 1;
      return ready && setTicketMac(mac, *key) ? 1 : kFull;
    }
    const std::optional<TicketKeys::Found> found =
        keys.find(std::span<const unsigned char>(name, 16));
    if (!found) return kFull;
    const bool ready = EVP_DecryptInit_ex2(cipher, EVP_aes_256_cbc(), found->key.cipherKey.data(),
                                           iv, nullptr) == 1;
    if (!ready || !setTicketMac(mac, found->key)) return kFull;
    return found->newest ? 1 : 2;  // 2: open it, and send a new one.
  }
};

/// What OpenSSL calls during a client's handshake.
struct ClientCallbacks {
  /// Trusts the one certificate of those the peer sent that has the fingerprint; then all the usual
  /// checks: chain, dates, purpose and name.
  static int verifyPinned(X509_STORE_CTX* store, void* self) noexcept {
    const auto& context = *static_cast<const ClientContext*>(self);
    STACK_OF(X509)* const sent = X509_STORE_CTX_get0_untrusted(store);
    const std::unique_ptr<STACK_OF(X509), Certificate::State::FreeStack> trusted(
        sk_X509_new_null());
    for (int i = 0; i < sk_X509_num(sent); ++i) {
      X509* const each = sk_X509_value(sent, i);
      if (fingerprintOf(each) != context.authorityFingerprint_ || X509_up_ref(each) != 1) continue;
      if (sk_X509_push(trusted.get(), each) == 0) X509_free(each);
    }
    X509_STORE_CTX_set0_trusted_stack(store, trusted.get());
    return X509_verify_cert(store) == 1 ? 1 : 0;
  }
};

bool trustOnly(SSL_CTX* context, const std::string& pem) {
  const BioPointer bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  const X509Pointer authority(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
  return authority && X509_STORE_add_cert(SSL_CTX_get_cert_store(context), authority.get()) == 1;
}

bool ServerContext::useCertificate(void* ssl, const Certificate& certificate) const {
  const Certificate::State& state = *certificate.state_;
  return SSL_use_cert_and_key(static_cast<SSL*>(ssl), state.leaf.get(), state.key.get(),
                              state.intermediates.get(), 1) == 1;
}

Result<std::shared_ptr<const ServerContext>> ServerContext::make(ServerOptions options) {
  ATOLL_CHECK(options.certificates != nullptr);
  ERR_clear_error();
  const std::shared_ptr<ServerContext> self(new ServerContext);
  ATOLL_TRY(self->wireProtocols_, encodeProtocols(options.protocols));
  self->options_ = std::move(options);
  SSL_CTX* const context = SSL_CTX_new(TLS_server_method());
  self->context_ = context;
  if (context == nullptr || !setCommon(context)) {
    return failOpenssl(ErrorCode::Internal, "cannot set up TLS");
  }
  SSL_CTX_set_app_data(context, self.get());
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wold-style-cast"  // The macro's.
  SSL_CTX_set_tlsext_servername_callback(context, &ServerCallbacks::onServerName);
#pragma GCC diagnostic pop
  if (!self->options_.clientAuthorityPem.empty()) {
    if (!trustOnly(context, self->options_.clientAuthorityPem)) {
      return failOpenssl(ErrorCode::InvalidArgument, "cannot read the clients' authority");
    }
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  }
  if (!self->wireProtocols_.empty()) {
    SSL_CTX_set_alpn_select_cb(context, &ServerCallbacks::onProtocols, nullptr);
  }
  if (self->options_.ticketKeys) {
    constexpr unsigned char kContextId[] = "atoll";
    SSL_CTX_set_session_id_context(context, kContextId, sizeof(kContextId) - 1);
    SSL_CTX_set_tlsext_ticket_key_evp_cb(context, &ServerCallbacks::onTicket);
    SSL_CTX_set_timeout(context, static_cast<long>(self->options_.ticketKeys->lifetime().count()));
    SSL_CTX_set_num_tickets(context, 1);
  } else {
    SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
    SSL_CTX_set_num_tickets(context, 0);
  }
  return self;
}

ServerContext::~ServerContext() { SSL_CTX_free(context_); }

Result<std::shared_ptr<const ClientContext>> ClientContext::make(const ClientOptions& options) {
  ERR_clear_error();
  const std::shared_ptr<ClientContext> self(new ClientContext);
  SSL_CTX* const context = SSL_CTX_new(TLS_client_method());
  self->context_ = context;
  if (context == nullptr || !setCommon(context)) {
    return failOpenssl(ErrorCode::Internal, "cannot set up TLS");
  }
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  self->peerName_ = options.peerName;
  self->authorityFingerprint_ = options.onlyAuthorityFingerprint;
  if (!options.onlyAuthorityFingerprint.empty()) {
    SSL_CTX_set_cert_verify_callback(context, &ClientCallbacks::verifyPinned, self.get());
  } else if (!options.onlyAuthorityPem.empty()) {
    if (!trustOnly(context, options.onlyAuthorityPem)) {
      return failOpenssl(ErrorCode::InvalidArgument, "cannot read the authority");
    }
  } else if (SSL_CTX_set_default_verify_paths(context) != 1) {
    return failOpenssl(ErrorCode::Internal, "cannot use the system's certificate authorities");
  }
  if (!options.extraCaFile.empty() &&
      SSL_CTX_load_verify_file(context, options.extraCaFile.c_str()) != 1) {
    return failOpenssl(ErrorCode::InvalidArgument, "cannot read CA file " + options.extraCaFile);
  }
  if (options.certificate) {
    const Certificate::State& own = *options.certificate->state_;
    if (SSL_CTX_use_cert_and_key(context, own.leaf.get(), own.key.get(), own.intermediates.get(),
                                 1) != 1) {
      return failOpenssl(ErrorCode::InvalidArgument, "cannot use the client certificate");
    }
  }
  ATOLL_TRY(const std::string wire, encodeProtocols(options.protocols));
  if (!wire.empty() &&
      SSL_CTX_set_alpn_protos(context, reinterpret_cast<const unsigned char*>(wire.data()),
                              static_cast<unsigned int>(wire.size())) != 0) {
    return failOpenssl(ErrorCode::Internal, "cannot offer protocols");
  }
  return self;
}

ClientContext::~ClientContext() { SSL_CTX_free(context_); }

}  // namespace atolld::tls
