#pragma once

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace atolld::tls {

/// Frees an OpenSSL object with the library's own function.
template <auto release>
struct Free {
  template <class T>
  void operator()(T* object) const noexcept {
    release(object);
  }
};

using SslPointer = std::unique_ptr<SSL, Free<SSL_free>>;
using SslCtxPointer = std::unique_ptr<SSL_CTX, Free<SSL_CTX_free>>;
using BioPointer = std::unique_ptr<BIO, Free<BIO_free_all>>;
using X509Pointer = std::unique_ptr<X509, Free<X509_free>>;
using RequestPointer = std::unique_ptr<X509_REQ, Free<X509_REQ_free>>;
using KeyPointer = std::unique_ptr<EVP_PKEY, Free<EVP_PKEY_free>>;

/// OpenSSL's reason for the calling thread's last failure, in words; empties its queue.
std::string takeOpensslError();

/// SHA-256 of a certificate's public key, and of the certificate; raw.
std::string keyHashOf(const X509* certificate);
std::string fingerprintOf(const X509* certificate);

/// `what`: what could not be done.
inline std::unexpected<Error> failOpenssl(ErrorCode code, std::string_view what) {
  return fail(code, std::string(what) + ": " + takeOpensslError());
}

}  // namespace atolld::tls
