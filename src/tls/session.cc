#include "tls/session.h"

#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "base/check.h"
#include "tls/openssl.h"

namespace atolld::tls {
namespace {

constexpr std::size_t kKeptOutputBytes = 4096;

/// What the BIO reads from and writes to.
struct Wire {
  std::string_view input;  // Borrowed during Session::receive().
  std::string output;
  std::size_t outputStart = 0;
};

int wireRead(BIO* bio, char* into, std::size_t size, std::size_t* read) noexcept {
  Wire& wire = *static_cast<Wire*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  *read = std::min(size, wire.input.size());
  if (*read == 0) {
    BIO_set_retry_read(bio);
    return 0;
  }
  std::memcpy(into, wire.input.data(), *read);
  wire.input.remove_prefix(*read);
  return 1;
}

int wireWrite(BIO* bio, const char* from, std::size_t size, std::size_t* written) noexcept {
  Wire& wire = *static_cast<Wire*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  wire.output.append(from, size);
  *written = size;
  return 1;
}

long wireControl(BIO*, int command, long, void*) noexcept {
  return command == BIO_CTRL_FLUSH ? 1 : 0;
}

BIO_METHOD* wireMethod() {
  static BIO_METHOD* const method = [] {
    BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "memory wire");
    ATOLL_CHECK(made != nullptr && BIO_meth_set_read_ex(made, &wireRead) == 1 &&
                BIO_meth_set_write_ex(made, &wireWrite) == 1 &&
                BIO_meth_set_ctrl(made, &wireControl) == 1);
    return made;
  }();
  return method;
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wold-style-cast"  // The macro's.
bool setServerName(SSL* ssl, const std::string& host) {
  return SSL_set_tlsext_host_name(ssl, host.c_str()) == 1;
}
#pragma GCC diagnostic pop

}  // namespace

struct Session::State {
  std::shared_ptr<const void> context;  // Declared first: outlives `ssl`.
  Wire wire;
  SslPointer ssl;
  bool handshakeDone = false;
  bool peerClosed = false;
  bool failed = false;
  bool closed = false;

  State(std::shared_ptr<const void> owner, SSL_CTX* from)
      : context(std::move(owner)), ssl(SSL_new(from)) {
    ATOLL_CHECK(ssl != nullptr);
    BIO* bio = BIO_new(wireMethod());
    ATOLL_CHECK(bio != nullptr);
    BIO_set_data(bio, &wire);
    BIO_set_init(bio, 1);
    SSL_set_bio(ssl.get(), bio, bio);
  }

  std::unexpected<Error> broken(std::string_view what) {
    failed = true;
    wire.input = {};
    const long verified = SSL_get_verify_result(ssl.get());
    if (!handshakeDone && verified != X509_V_OK) {
      ERR_clear_error();
      return fail(ErrorCode::Protocol, std::string(what) + ": the certificate is not trusted: " +
                                           X509_verify_cert_error_string(verified));
    }
    return failOpenssl(ErrorCode::Protocol, what);
  }
};

Session::Session(std::unique_ptr<State> state) : state_(std::move(state)) {}
Session::Session(Session&&) noexcept = default;
Session::~Session() = default;

Session Session::server(std::shared_ptr<const ServerContext> context) {
  SSL_CTX* const from = context->context_;
  Session session(std::make_unique<State>(std::move(context), from));
  SSL_set_accept_state(session.state_->ssl.get());
  return session;
}

Result<Session> Session::client(std::shared_ptr<const ClientContext> context,
                                const std::string& host,
                                std::optional<std::string_view> onlyProtocol) {
  ERR_clear_error();
  SSL_CTX* const from = context->context_;
  const std::string& name = context->peerName_.empty() ? host : context->peerName_;
  Session session(std::make_unique<State>(std::move(context), from));
  SSL* const ssl = session.state_->ssl.get();
  SSL_set_connect_state(ssl);
  X509_VERIFY_PARAM* const verify = SSL_get0_param(ssl);
  if (X509_VERIFY_PARAM_set1_ip_asc(verify, name.c_str()) != 1) {
    ERR_clear_error();
    X509_VERIFY_PARAM_set_hostflags(verify, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    if (name.empty() || X509_VERIFY_PARAM_set1_host(verify, name.data(), name.size()) != 1 ||
        !setServerName(ssl, name)) {
      return failOpenssl(ErrorCode::InvalidArgument, "\"" + name + "\" is no host name");
    }
  }
  if (onlyProtocol) {
    std::string offer(*onlyProtocol);
    if (!offer.empty()) offer.insert(offer.begin(), static_cast<char>(offer.size()));
    if (SSL_set_alpn_protos(ssl, reinterpret_cast<const unsigned char*>(offer.data()),
                            static_cast<unsigned>(offer.size())) != 0) {
      return failOpenssl(ErrorCode::Internal, "cannot offer a protocol");
    }
  }
  ATOLL_TRY_VOID(session.handshake());
  return session;
}

Result<> Session::handshake() {
  ERR_clear_error();
  const int status = SSL_do_handshake(state_->ssl.get());
  if (status == 1) {
    state_->handshakeDone = true;
    return {};
  }
  if (SSL_get_error(state_->ssl.get(), status) == SSL_ERROR_WANT_READ) return {};
  return state_->broken("TLS handshake failed");
}

Result<> Session::receive(std::string_view ciphertext, std::span<char> scratch,
                          const PlaintextSink& onPlaintext) {
  if (state_->failed || state_->peerClosed) return {};
  // Records are copied into OpenSSL as they are asked for; reading until it asks for more takes
  // all, a part of a record included.
  state_->wire.input = ciphertext;
  if (!state_->handshakeDone) ATOLL_TRY_VOID(handshake());
  while (state_->handshakeDone) {
    ERR_clear_error();
    std::size_t size = 0;
    const int status = SSL_read_ex(state_->ssl.get(), scratch.data(), scratch.size(), &size);
    if (status == 1) {
      onPlaintext(std::string_view(scratch.data(), size));
      continue;
    }
    const int error = SSL_get_error(state_->ssl.get(), status);
    if (error == SSL_ERROR_WANT_READ) break;
    if (error == SSL_ERROR_ZERO_RETURN) {
      state_->peerClosed = true;
      break;
    }
    return state_->broken("TLS failed");
  }
  state_->wire.input = {};
  return {};
}

Result<> Session::write(std::string_view plaintext) {
  ATOLL_CHECK(state_->handshakeDone);
  if (state_->failed || state_->closed) return fail(ErrorCode::Aborted, "TLS is closed");
  while (!plaintext.empty()) {
    ERR_clear_error();
    std::size_t size = 0;
    if (SSL_write_ex(state_->ssl.get(), plaintext.data(), plaintext.size(), &size) != 1) {
      return state_->broken("TLS write failed");
    }
    plaintext.remove_prefix(size);
  }
  return {};
}

void Session::close() {
  if (std::exchange(state_->closed, true) || state_->failed || !state_->handshakeDone) return;
  ERR_clear_error();
  SSL_shutdown(state_->ssl.get());
  ERR_clear_error();
}

std::string_view Session::output() const noexcept {
  return std::string_view(state_->wire.output).substr(state_->wire.outputStart);
}

void Session::consumeOutput(std::size_t bytes) noexcept {
  Wire& wire = state_->wire;
  ATOLL_CHECK(bytes <= wire.output.size() - wire.outputStart);
  wire.outputStart += bytes;
  if (wire.outputStart == wire.output.size()) {
    wire.output.clear();
    wire.outputStart = 0;
  }
}

void Session::releaseMemory() noexcept {
  std::string& output = state_->wire.output;
  if (output.empty() && output.capacity() > kKeptOutputBytes) std::string().swap(output);
}

bool Session::handshakeDone() const noexcept { return state_->handshakeDone; }
bool Session::peerClosed() const noexcept { return state_->peerClosed; }

std::string_view Session::protocol() const noexcept {
  const unsigned char* name = nullptr;
  unsigned int size = 0;
  SSL_get0_alpn_selected(state_->ssl.get(), &name, &size);
  return {reinterpret_cast<const char*>(name), size};
}

std::optional<Session::Peer> Session::peer() const {
  const X509* const certificate = SSL_get0_peer_certificate(state_->ssl.get());
  if (certificate == nullptr) return std::nullopt;
  std::array<char, 256> text{};
  const int size = X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName,
                                             text.data(), text.size());
  return Peer{.name = size > 0 ? std::string(text.data(), static_cast<std::size_t>(size)) : "",
              .keyHash = keyHashOf(certificate)};
}

std::string_view Session::serverName() const noexcept {
  const char* name = SSL_get_servername(state_->ssl.get(), TLSEXT_NAMETYPE_host_name);
  return name != nullptr ? name : std::string_view();
}

std::string_view Session::version() const noexcept { return SSL_get_version(state_->ssl.get()); }
std::string_view Session::cipher() const noexcept { return SSL_get_cipher_name(state_->ssl.get()); }
bool Session::resumed() const noexcept { return SSL_session_reused(state_->ssl.get()) == 1; }

}  // namespace atolld::tls
