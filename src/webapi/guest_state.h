#pragma once

#include <v8.h>

#include <array>
#include <cstddef>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "base/bytes.h"
#include "isolate/guest.h"
#include "isolate/host.h"
#include "isolate/isolate.h"
#include "webapi/codecs.h"

namespace atolld::webapi {

namespace host = isolate::host;

/// A request being handled, as far as C++ keeps it.
struct Invocation {
  host::InvocationId id = 0;  ///< 0: the slot is free.
  bool responded = false;     ///< Respond or Failed is in the outbox.
  std::unique_ptr<http::RequestHead> head;
  std::optional<Bytes> body;  ///< A request body that arrived whole.
  std::size_t logCount = 0;
  std::size_t logBytes = 0;
};

/// What one invocation may log, as on Workers; and what anything outside of one may, per event.
inline constexpr std::size_t kLogCountMax = 1023;
inline constexpr std::size_t kLogBytesMax = 256 * 1024;

/// The functions of isolates/web that events are handed to, by `internals.entries.<name>`.
enum class Entry : std::size_t {
  Begin,
  Load,
  Fetch,
  Scheduled,
  OpDone,
  OpFailed,
  BodyChunk,
  BodyEnd,
  BodyAccepted,
  BodyGone,
  TimerFired,
  ClientGone,
  InvocationOver,
  UnhandledRejection,
  RejectionHandled,
  UncaughtException,
  BuiltinModule,
  SocketMessage,
  SocketClosed,
  SocketSent,
  kCount,
};

/// What the Web API keeps per isolate. Inside a slice only.
class GuestState final : public isolate::Guest::State {
 public:
  static GuestState& of(isolate::Isolate& isolate) noexcept {
    return static_cast<GuestState&>(isolate.guestState());
  }
  static GuestState& of(v8::Isolate* isolate) noexcept {
    return of(isolate::Isolate::from(isolate));
  }

  /// Calls an entry; false if an exception is pending (only ever by a termination).
  bool call(v8::Local<v8::Context> context, Entry entry, std::span<v8::Local<v8::Value>> arguments);

  /// Gives an event's invocation a slot. Scripts' side knows it by that number.
  std::uint32_t openInvocation(host::InvocationId id);
  /// The open invocation of a slot that a script's side named; null for any other value.
  Invocation* findInvocation(v8::Local<v8::Value> slot) noexcept;
  std::optional<std::uint32_t> findSlot(host::InvocationId id) const noexcept;
  void closeInvocation(std::uint32_t slot) noexcept;

  std::array<v8::Global<v8::Function>, static_cast<std::size_t>(Entry::kCount)> entries;
  /// Bytes of the event being delivered, for `native.takeBytes()`.
  Bytes eventBytes;
  const std::shared_ptr<CodecRegistry> codecs = std::make_shared<CodecRegistry>();
  /// Where logs outside of any invocation are counted; afresh for each event.
  Invocation stray;

  /// Responses being transformed, by number; html_rewriter.cc knows their type.
  std::unordered_map<std::uint32_t, std::shared_ptr<void>> htmlRewriters;
  std::uint32_t lastHtmlRewriter = 0;

  Invocation& at(std::uint32_t slot) { return invocations_[slot]; }

 private:
  std::vector<Invocation> invocations_;
  std::vector<std::uint32_t> freeSlots_;
};

/// events.cc: one event, handed to its entry.
void deliverEvent(GuestState& state, v8::Local<v8::Context> context, host::Event&& event);

}  // namespace atolld::webapi
