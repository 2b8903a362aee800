#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>

#include "dispatch/body.h"
#include "isolate/host.h"
#include "loop/timer.h"
#include "websocket/reader.h"
#include "websocket/writer.h"

namespace atolld::dispatch {

class WorkerState;

/// What the two ends agreed on when the socket opened.
struct WebSocketSetup {
  websocket::Role role = websocket::Role::Server;
  std::optional<websocket::Compression> compression;
};

/// One WebSocket of a script, from its opening to the last event: between a connection's bytes and
/// the isolate's messages, or another WebSocket's. Answers pings, and asks after peers that are
/// silent. Reads from the network no faster than its reader takes. Seat holder only.
class WebSocket final : public BodyReceiver, public BodyFeeder {
 public:
  /// All outlive it, or are forgotten by their own calls. Bytes that came with the opening may be
  /// received at once.
  WebSocket(WorkerState& owner, std::uint64_t key, isolate::host::InvocationId invocation,
            const WebSocketSetup& setup, BodySource& source, BodyTarget& target);
  ~WebSocket();
  WebSocket(const WebSocket&) = delete;
  WebSocket& operator=(const WebSocket&) = delete;

  /// Its place in the owner's table: the script's id for it, or more than 32 bits if it has none.
  std::uint64_t key() const noexcept { return key_; }
  /// The invocation it ends with; 0 once it was handed on to a client.
  isolate::host::InvocationId invocation() const noexcept { return invocation_; }

  void accept(bool halfOpen);
  void taken(std::uint64_t bytes);
  void send(bool text, Bytes payload);
  void close(std::uint16_t code, std::string_view reason);
  /// Tells the script what the transport took, if it may send on.
  void acknowledge();
  /// Each gets the other's messages and Close; neither has a script any more.
  static void join(WebSocket& a, WebSocket& b);
  /// Nobody is left on the script's side.
  void abandon();

  // ---- BodyReceiver ----
  void receive(Bytes chunk) override;
  void finish() override;
  void breakOff(Error error) override;
  // ---- BodyFeeder ----
  void onTargetDrained() override;
  void onDrain() override;  ///< Closes with 1001.
  void onTargetGone(const Error& error) override;

 private:
  bool mayRead() const;
  void pump();
  bool handle(websocket::Incoming incoming);
  void deliver(bool text, std::string payload);
  void onPeerClose(std::uint16_t code, std::string reason);
  void violate(std::uint16_t code, std::string_view why);
  void sendClose(std::uint16_t code, std::string_view reason);
  void lost();
  void tell(std::uint16_t code, std::string reason, bool clean);
  void watch();
  void onTimer();
  void flushScratch();
  isolate::host::SocketId id() const { return static_cast<isolate::host::SocketId>(key_); }
  void end(bool broken);
  void letGo(bool broken);

  WorkerState& owner_;
  const std::uint64_t key_;
  isolate::host::InvocationId invocation_;
  BodySource* source_;
  BodyTarget* target_;
  WebSocket* partner_ = nullptr;
  websocket::Reader reader_;
  websocket::Writer writer_;
  std::string scratch_;
  loop::Timer timer_;
  std::optional<loop::Timer> turn_;

  std::deque<Bytes> input_;
  std::uint64_t outstanding_ = 0;     ///< Bytes of messages posted and not taken.
  std::uint64_t unacknowledged_ = 0;  ///< Bytes the script sent and has not been told of.
  std::uint64_t heardMillis_ = 0;
  bool accepted_ = false;
  bool halfOpen_ = false;
  bool inputEnded_ = false;
  bool closeSent_ = false;
  bool closeReceived_ = false;
  bool told_ = false;  ///< The script has had its last event.
  bool ended_ = false;
  bool pumping_ = false;
  bool yielded_ = false;  ///< The reader has more, of what it was given.
};

}  // namespace atolld::dispatch
