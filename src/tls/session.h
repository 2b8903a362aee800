#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "tls/context.h"

namespace atolld::tls {

/// One TLS connection over memory: ciphertext in and out, plaintext in and out, no sockets. One
/// thread at a time.
class Session {
 public:
  /// Called with decrypted bytes, valid for the call.
  using PlaintextSink = std::function<void(std::string_view)>;

  /// The context is kept alive.
  static Session server(std::shared_ptr<const ServerContext> context);
  /// `host` is sent as SNI (unless an IP literal) and must be in the peer's certificate. The first
  /// flight is in output() at once. `onlyProtocol` is offered instead of the
  /// context's; none if it is empty.
  static Result<Session> client(std::shared_ptr<const ClientContext> context,
                                const std::string& host,
                                std::optional<std::string_view> onlyProtocol = {});
  Session(Session&&) noexcept;
  ~Session();

  /// Takes all of `ciphertext`, advances the handshake and passes on whatever it decrypts.
  /// `scratch` is working memory, 16 KB at least. May produce output().
  /// @error Protocol  the peer broke the protocol or could not be verified; output() may hold an
  ///        alert to send before closing. Nothing can be read or written any more.
  Result<> receive(std::string_view ciphertext, std::span<char> scratch,
                   const PlaintextSink& onPlaintext);
  /// Encrypts all of `plaintext` into output(). Only when handshakeDone().
  Result<> write(std::string_view plaintext);
  /// Puts a close_notify into output(), once.
  void close();

  /// Ciphertext to send; valid until the next call.
  std::string_view output() const noexcept;
  void consumeOutput(std::size_t bytes) noexcept;
  /// Gives the output buffer's memory back if it is empty and large. For connections going idle.
  void releaseMemory() noexcept;

  bool handshakeDone() const noexcept;
  /// The peer sent close_notify: what it sent is complete.
  bool peerClosed() const noexcept;
  /// The protocol agreed on; empty if none.
  std::string_view protocol() const noexcept;
  /// What the peer's certificate says; nothing if it showed none.
  struct Peer {
    std::string name;     ///< The subject's common name.
    std::string keyHash;  ///< As Certificate::keyHash().
  };
  std::optional<Peer> peer() const;
  /// The host name the client asked for, as soon as it is known; empty if none.
  std::string_view serverName() const noexcept;
  /// "TLSv1.3" and "TLS_AES_128_GCM_SHA256"; once handshakeDone().
  std::string_view version() const noexcept;
  std::string_view cipher() const noexcept;
  bool resumed() const noexcept;

 private:
  struct State;
  explicit Session(std::unique_ptr<State> state);
  Result<> handshake();
  std::unique_ptr<State> state_;
};

}  // namespace atolld::tls
