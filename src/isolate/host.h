#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "http/message.h"
#include "store/kv_store.h"

/// What a script and its host say to each other, as plain values: an isolate is a machine that
/// takes an Event (one slice) and leaves Effects in an Outbox. Nothing here knows V8, a socket or a
/// thread. Events are made and effects are carried out by dispatch/, on the loop thread; webapi/
/// turns both into JavaScript and back, inside a slice.
namespace atolld::isolate::host {

/// One event being handled by the script: a request, a tick. Unique in its isolate, never reused,
/// never 0.
using InvocationId = std::uint32_t;
/// One asynchronous question of the script. Made by the script's side; unique in its isolate.
using OpId = std::uint32_t;
/// A body flowing to or from the script. Host-made ids (inbound) are even, script-made (outbound)
/// odd; unique in their isolate.
using BodyId = std::uint32_t;
using TimerId = std::uint32_t;
/// A WebSocket between the script and a peer. Made by the script's side; unique in its isolate.
using SocketId = std::uint32_t;

// ---- bodies -------------------------------------------------------------------------------------

struct NoBody {};
/// Bytes that come through the other side's body of that id: an inbound body handed straight back
/// (a request's or a fetched response's) never enters JavaScript.
struct BodyRef {
  BodyId id = 0;
  std::optional<std::uint64_t> length;  ///< Known beforehand: becomes Content-Length.
};
using Body = std::variant<NoBody, Bytes, BodyRef>;

// ---- host -> script -----------------------------------------------------------------------------

/// What one script of a tenant asks of another (a service binding), or of itself.
struct ServiceCall {
  std::string entrypoint;  ///< A named export; empty: the default one.
  std::string props;       ///< JSON text of its ctx.props; empty: none.
  bool isRpc = false;      ///< The bodies carry method calls (isolates/web/rpc.js), not HTTP's.
};
/// A request for the script's fetch handler. A small body that arrived whole comes as Bytes.
struct FetchEvent {
  InvocationId invocation = 0;
  std::unique_ptr<http::RequestHead> head;
  Body body;
  std::unique_ptr<ServiceCall> call;  ///< From another script; null: from a client.
};
/// A tick for the script's scheduled handler. It has no response: Done without Failed says that all
/// of its work is done.
struct ScheduledEvent {
  InvocationId invocation = 0;
  std::string cron;             ///< The expression that is due; empty: none.
  std::int64_t timeMillis = 0;  ///< When it was due, since the epoch.
};
/// Bytes of an inbound body the script reads (never more than the credit it gave by BodyPull).
struct BodyChunk {
  BodyId body = 0;
  Bytes bytes;
  InvocationId invocation = 0;  ///< Whose CPU time its handling is; 0: not known.
};
/// The inbound body ended; with an error, it broke off.
struct BodyEnd {
  BodyId body = 0;
  std::optional<Error> error;
  InvocationId invocation = 0;  ///< Whose CPU time its handling is; 0: not known.
};
/// An outbound body: `accepted` more bytes went to the transport. The script writes on while what
/// it wrote less what was accepted is below its high-water mark.
struct BodyAccepted {
  BodyId body = 0;
  std::uint64_t accepted = 0;
  InvocationId invocation = 0;  ///< Whose CPU time its handling is; 0: not known.
};
/// Nobody reads that outbound body any more: cancel its source.
struct BodyGone {
  BodyId body = 0;
  Error error;
  InvocationId invocation = 0;  ///< Whose CPU time its handling is; 0: not known.
};
struct TimerFired {
  TimerId timer = 0;
  InvocationId invocation = 0;  ///< Whose CPU time its handling is; 0: not known.
};
/// The client of an invocation went away before its response was complete.
struct ClientGone {
  InvocationId invocation = 0;
};

/// A message of the peer, of a socket that was accepted. Text is valid UTF-8.
struct SocketMessage {
  SocketId socket = 0;
  bool text = false;
  Bytes payload;
  InvocationId invocation = 0;  ///< Whose CPU time its handling is; 0: not known.
};
/// The peer's Close came, or the connection broke (1006, not clean); the last event of a socket.
/// Where the socket was accepted half open and its script has not closed it yet, it may still send.
struct SocketClosed {
  SocketId socket = 0;
  std::uint16_t code = 0;
  std::string reason;
  bool clean = false;
  InvocationId invocation = 0;  ///< Whose CPU time its handling is; 0: not known.
};
/// `bytes` more of the messages sent went to the transport.
struct SocketSent {
  SocketId socket = 0;
  std::uint64_t bytes = 0;
  InvocationId invocation = 0;  ///< Whose CPU time its handling is; 0: not known.
};

struct FetchedResponse {
  http::ResponseHead head;
  Body body;
};
using OpValue = std::variant<std::monostate, Bytes, FetchedResponse, std::optional<store::KvEntry>,
                             store::KvListing, Error>;
/// The answer to an op; each op gets exactly one, unless its invocation ended before.
struct OpDone {
  OpId op = 0;
  OpValue value;
  InvocationId invocation = 0;  ///< Whose CPU time its handling is; 0: not known.
};
/// Ends an invocation from outside (deadline, drain): its ops and timers are gone; JS state
/// kept for it is dropped.
struct InvocationOver {
  InvocationId invocation = 0;
};

using Event =
    std::variant<FetchEvent, ScheduledEvent, BodyChunk, BodyEnd, BodyAccepted, BodyGone, TimerFired,
                 ClientGone, OpDone, InvocationOver, SocketMessage, SocketClosed, SocketSent>;

/// Whether an invocation begins with it.
inline bool opensInvocation(const Event& event) noexcept {
  return std::holds_alternative<FetchEvent>(event) || std::holds_alternative<ScheduledEvent>(event);
}
/// Whose CPU time the handling of an event is; 0: not known.
inline InvocationId invocationOf(const Event& event) noexcept {
  return std::visit([](const auto& each) { return each.invocation; }, event);
}

// ---- script -> host -----------------------------------------------------------------------------

/// The response of an invocation. At most one each.
struct Respond {
  InvocationId invocation = 0;
  http::ResponseHead head;  ///< status and headers; framing follows `body`.
  Body body;
  /// With status 101: the client's WebSocket is the script's under this new id; or, if a fetch has
  /// opened it, the two peers talk to each other from now on.
  SocketId socket = 0;
};
/// The handler threw, rejected, or returned what is not a Response: answered 500.
struct Failed {
  InvocationId invocation = 0;
  std::string message;           ///< "TypeError: x is not a function"
  std::string stack;             ///< May be empty. For the tenant's log, never for the client.
  bool gaveNoResponse = false;   ///< It returned, but not a Response.
  bool overSubrequests = false;  ///< It let the error pass that said it had asked too much.
};
/// Handler and every waitUntil() promise settled, the response body was written out: nothing more
/// will come of the invocation. Exactly one each, the last.
struct Done {
  InvocationId invocation = 0;
};
/// Outbound body bytes.
struct BodyWrite {
  BodyId body = 0;
  Bytes bytes;
};
struct BodyClose {
  BodyId body = 0;
  std::optional<Error> error;  ///< The source failed: the receiver must see a broken body.
};
/// Credit for an inbound body: up to `bytes` more may come. The first one starts the flow.
struct BodyPull {
  BodyId body = 0;
  std::uint64_t bytes = 0;
};
/// Read the rest of an inbound body into one OpDone{Bytes} (text(), json(), arrayBuffer()).
/// TooLarge above `bytesMax`.
struct BodyCollect {
  BodyId body = 0;
  OpId op = 0;
  std::uint64_t bytesMax = 0;
};
/// The script does not want the rest of an inbound body.
struct BodyCancel {
  BodyId body = 0;
};
struct TimerStart {
  TimerId timer = 0;
  InvocationId invocation = 0;
  std::uint64_t delayMillis = 0;
};
struct TimerCancel {
  TimerId timer = 0;
};
/// Where a FetchStart goes instead of its URL's origin.
struct Service {
  std::string script;  ///< Of the same tenant; empty: the very version that asks.
  ServiceCall call;
  bool isAssets = false;  ///< The static files of the very version that asks.
};
/// Outbound fetch, one hop: redirects are followed in JavaScript. Answer: FetchedResponse or Error.
struct FetchStart {
  OpId op = 0;
  InvocationId invocation = 0;
  std::unique_ptr<http::RequestHead> head;  ///< scheme, authority, target are the URL's.
  Body body;
  std::unique_ptr<Service> service;  ///< Null: over the network.
  /// Asks for a WebSocket, open under this id if the answer's status is 101.
  SocketId socket = 0;
};
/// Lets messages come. With `halfOpen` the peer's Close is not answered until the script closes.
struct SocketAccept {
  SocketId socket = 0;
  bool halfOpen = false;
};
/// What a message counts for in SocketTaken besides its bytes.
inline constexpr std::uint64_t kSocketMessageOverheadBytes = 256;

/// The script has been given `bytes` of messages: as many more may come.
struct SocketTaken {
  SocketId socket = 0;
  std::uint64_t bytes = 0;
};
struct SocketSend {
  SocketId socket = 0;
  bool text = false;
  Bytes payload;
};
/// Code 1005 says none. A second one, or one to a socket that is closed, does nothing.
struct SocketClose {
  SocketId socket = 0;
  std::uint16_t code = 0;
  std::string reason;
};
struct OpCancel {
  OpId op = 0;
};
struct KvGet {
  OpId op = 0;
  InvocationId invocation = 0;
  std::string namespaceId;
  std::string key;
};
struct KvList {
  OpId op = 0;
  InvocationId invocation = 0;
  std::string namespaceId;
  std::string prefix;
  std::size_t limit = 1000;
  std::optional<std::string> cursor;
};
/// Resolves (monostate) when committed and visible here.
struct KvWrite {
  OpId op = 0;
  InvocationId invocation = 0;
  std::string namespaceId;
  std::vector<store::KvPut> puts;
  std::vector<std::string> removals;
};
/// Work on bytes of its own that takes long (key generation, password hashing): done off the
/// threads that run slices, one at a time for an isolate. Its CPU time is the invocation's. Answer:
/// Bytes or Error.
struct Compute {
  OpId op = 0;
  InvocationId invocation = 0;
  std::move_only_function<Result<Bytes>()> work;
};
struct Log {
  InvocationId invocation = 0;  ///< 0 outside of any.
  enum class Level : std::uint8_t { Debug, Log, Info, Warn, Error } level = Level::Log;
  std::string text;
};

using Effect =
    std::variant<Respond, Failed, Done, BodyWrite, BodyClose, BodyPull, BodyCollect, BodyCancel,
                 TimerStart, TimerCancel, FetchStart, OpCancel, KvGet, KvList, KvWrite, Compute,
                 Log, SocketAccept, SocketTaken, SocketSend, SocketClose>;

/// The effects one slice produced, in order. Filled by the thread in the slice, carried out by the
/// seat holder after it.
using Outbox = std::vector<Effect>;

}  // namespace atolld::isolate::host
