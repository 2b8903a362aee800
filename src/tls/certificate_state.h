#pragma once

#include <openssl/x509.h>

#include <string>
#include <vector>

#include "tls/certificate.h"
#include "tls/openssl.h"

namespace atolld::tls {

/// Inside tls only: what a Certificate is for OpenSSL.
struct Certificate::State {
  struct FreeStack {
    void operator()(STACK_OF(X509) * stack) const noexcept { OSSL_STACK_OF_X509_free(stack); }
  };

  X509Pointer leaf;
  std::unique_ptr<STACK_OF(X509), FreeStack> intermediates;
  KeyPointer key;
  std::vector<std::string> names;
  UnixMillis notAfter;
};

}  // namespace atolld::tls
