#include <utility>

#include "webapi/bytes.h"
#include "webapi/guest_state.h"

namespace atolld::webapi {
namespace {

using Arguments = std::span<v8::Local<v8::Value>>;

v8::Local<v8::Value> number(v8::Isolate* isolate, std::uint64_t value) {
  return v8::Number::New(isolate, static_cast<double>(value));
}

v8::Local<v8::Value> id(v8::Isolate* isolate, std::uint32_t value) {
  return v8::Integer::NewFromUnsigned(isolate, value);
}

/// Text of ours or the host's; never fails, for it is cut to what always fits.
v8::Local<v8::Value> text(v8::Isolate* isolate, std::string_view utf8) {
  v8::Local<v8::String> string;
  if (!stringOfUtf8(isolate, utf8.substr(0, 1 << 20)).ToLocal(&string)) {
    return v8::String::Empty(isolate);
  }
  return string;
}

v8::Local<v8::Value> optionalText(v8::Isolate* isolate, const std::optional<std::string>& value) {
  if (!value) return v8::Null(isolate);
  return text(isolate, *value);
}

v8::Local<v8::Value> optionalSeconds(v8::Isolate* isolate,
                                     const std::optional<std::int64_t>& value) {
  if (!value) return v8::Undefined(isolate);
  return v8::Number::New(isolate, static_cast<double>(*value));
}

v8::Local<v8::Value> latin1(v8::Isolate* isolate, std::string_view bytes) {
  v8::Local<v8::String> text;
  if (!stringOfLatin1(isolate, bytes).ToLocal(&text)) text = v8::String::Empty(isolate);
  return text;
}

/// [name, value, …]
v8::Local<v8::Value> flatHeaders(v8::Isolate* isolate, const http::HeaderList& headers) {
  std::vector<v8::Local<v8::Value>> flat;
  flat.reserve(2 * headers.size());
  for (const auto field : headers) {
    flat.push_back(text(isolate, field.name));
    flat.push_back(latin1(isolate, field.value));
  }
  return v8::Array::New(isolate, flat.data(), flat.size());
}

/// Calls the entries. One deliver() for each kind of event; `false` results (terminations) need
/// nothing done: the isolate's owner sees them too.
class Delivery {
 public:
  Delivery(GuestState& state, v8::Local<v8::Context> context)
      : state_(state), context_(context), isolate_(v8::Isolate::GetCurrent()) {}

  void operator()(host::FetchEvent& event) {
    const std::uint32_t slot = state_.openInvocation(event.invocation);
    Invocation& invocation = state_.at(slot);
    invocation.head = std::move(event.head);
    std::array<v8::Local<v8::Value>, 6> arguments;
    arguments.fill(v8::Undefined(isolate_));
    arguments[0] = id(isolate_, slot);
    if (auto* const bytes = std::get_if<Bytes>(&event.body)) {
      invocation.body = std::move(*bytes);
      arguments[1] = v8::True(isolate_);
    } else if (const auto* const body = std::get_if<host::BodyRef>(&event.body)) {
      arguments[1] = id(isolate_, body->id);
      if (body->length) arguments[2] = number(isolate_, *body->length);
    }
    std::size_t count = 3;
    if (event.call) {
      arguments[3] = text(isolate_, event.call->entrypoint);
      arguments[4] = text(isolate_, event.call->props);
      arguments[5] = v8::Boolean::New(isolate_, event.call->isRpc);
      count = arguments.size();
    }
    state_.call(context_, Entry::Fetch, std::span(arguments).first(count));
  }

  void operator()(host::ScheduledEvent& event) {
    std::array<v8::Local<v8::Value>, 3> arguments{
        id(isolate_, state_.openInvocation(event.invocation)), text(isolate_, event.cron),
        v8::Number::New(isolate_, static_cast<double>(event.timeMillis))};
    state_.call(context_, Entry::Scheduled, arguments);
  }

  void operator()(host::BodyChunk& event) {
    v8::Local<v8::Uint8Array> bytes;
    if (!uint8ArrayOf(isolate_, event.bytes.view()).ToLocal(&bytes)) {
      // No memory for the chunk: the body cannot go on without it.
      failBody(event.body, "too_large", "there is no memory left for the next chunk");
      return;
    }
    std::array<v8::Local<v8::Value>, 2> arguments{id(isolate_, event.body), bytes};
    state_.call(context_, Entry::BodyChunk, arguments);
  }

  void operator()(host::BodyEnd& event) {
    if (event.error) {
      failBody(event.body, errorCodeName(event.error->code), event.error->detail);
      return;
    }
    std::array<v8::Local<v8::Value>, 1> arguments{id(isolate_, event.body)};
    state_.call(context_, Entry::BodyEnd, arguments);
  }

  void operator()(host::BodyAccepted& event) {
    std::array<v8::Local<v8::Value>, 2> arguments{id(isolate_, event.body),
                                                  number(isolate_, event.accepted)};
    state_.call(context_, Entry::BodyAccepted, arguments);
  }

  void operator()(host::BodyGone& event) {
    std::array<v8::Local<v8::Value>, 2> arguments{id(isolate_, event.body),
                                                  text(isolate_, event.error.detail)};
    state_.call(context_, Entry::BodyGone, arguments);
  }

  void operator()(host::TimerFired& event) {
    std::array<v8::Local<v8::Value>, 1> arguments{id(isolate_, event.timer)};
    state_.call(context_, Entry::TimerFired, arguments);
  }

  void operator()(host::ClientGone& event) {
    const auto slot = state_.findSlot(event.invocation);
    if (!slot) return;
    std::array<v8::Local<v8::Value>, 1> arguments{id(isolate_, *slot)};
    state_.call(context_, Entry::ClientGone, arguments);
  }

  void operator()(host::InvocationOver& event) {
    const auto slot = state_.findSlot(event.invocation);
    if (!slot) return;
    std::array<v8::Local<v8::Value>, 1> arguments{id(isolate_, *slot)};
    state_.call(context_, Entry::InvocationOver, arguments);
    state_.closeInvocation(*slot);
  }

  void operator()(host::SocketMessage& event) {
    const std::size_t size = event.payload.size();
    std::array<v8::Local<v8::Value>, 2> arguments{id(isolate_, event.socket),
                                                  v8::Undefined(isolate_)};
    bool ok = true;
    if (event.text) {
      v8::Local<v8::String> string;
      ok = stringOfUtf8(isolate_, event.payload.view()).ToLocal(&string);
      if (ok) arguments[1] = string;
    } else {
      state_.eventBytes = std::move(event.payload);
    }
    if (ok) state_.call(context_, Entry::SocketMessage, arguments);
    state_.eventBytes = {};
    isolate::Isolate::from(isolate_).outbox().push_back(
        host::SocketTaken{event.socket, size + host::kSocketMessageOverheadBytes});
  }

  void operator()(host::SocketClosed& event) {
    std::array<v8::Local<v8::Value>, 4> arguments{
        id(isolate_, event.socket), id(isolate_, event.code), text(isolate_, event.reason),
        v8::Boolean::New(isolate_, event.clean)};
    state_.call(context_, Entry::SocketClosed, arguments);
  }

  void operator()(host::SocketSent& event) {
    std::array<v8::Local<v8::Value>, 2> arguments{id(isolate_, event.socket),
                                                  number(isolate_, event.bytes)};
    state_.call(context_, Entry::SocketSent, arguments);
  }

  void operator()(host::OpDone& event) {
    std::visit([&](auto& value) { opDone(event.op, value); }, event.value);
    state_.eventBytes = {};
  }

 private:
  void failBody(host::BodyId body, std::string_view code, std::string_view detail) {
    const v8::TryCatch tryCatch(isolate_);
    std::array<v8::Local<v8::Value>, 3> arguments{id(isolate_, body), text(isolate_, code),
                                                  text(isolate_, detail)};
    state_.call(context_, Entry::BodyEnd, arguments);
  }

  /// onOpDone(id, hasBytes, …fields)
  template <class... Fields>
  void answer(host::OpId op, bool hasBytes, Fields... fields) {
    std::array<v8::Local<v8::Value>, 2 + sizeof...(Fields)> arguments{
        id(isolate_, op), v8::Boolean::New(isolate_, hasBytes), fields...};
    state_.call(context_, Entry::OpDone, arguments);
  }

  void opDone(host::OpId op, std::monostate&) { answer(op, false); }

  void opDone(host::OpId op, Bytes& bytes) {
    state_.eventBytes = std::move(bytes);
    answer(op, true);
  }

  void opDone(host::OpId op, host::FetchedResponse& response) {
    v8::Local<v8::Value> body = v8::Undefined(isolate_), length = v8::Undefined(isolate_);
    bool hasBytes = false;
    if (auto* const bytes = std::get_if<Bytes>(&response.body)) {
      state_.eventBytes = std::move(*bytes);
      hasBytes = true;
    } else if (const auto* const flowing = std::get_if<host::BodyRef>(&response.body)) {
      body = id(isolate_, flowing->id);
      if (flowing->length) length = number(isolate_, *flowing->length);
    }
    answer(op, hasBytes, v8::Integer::New(isolate_, response.head.status).As<v8::Value>(),
           flatHeaders(isolate_, response.head.headers), body, length,
           latin1(isolate_, response.head.reason));
  }

  void opDone(host::OpId op, std::optional<store::KvEntry>& entry) {
    if (!entry) return answer(op, false);
    state_.eventBytes = std::move(entry->value);
    answer(op, true, optionalText(isolate_, entry->metadata));
  }

  void opDone(host::OpId op, store::KvListing& listing) {
    // [name, expiration, metadata, …]
    std::vector<v8::Local<v8::Value>> flat;
    flat.reserve(3 * listing.keys.size());
    for (const store::KvListing::Key& key : listing.keys) {
      flat.push_back(text(isolate_, key.name));
      flat.push_back(optionalSeconds(isolate_, key.expirationSeconds));
      flat.push_back(optionalText(isolate_, key.metadata));
    }
    answer(op, false, v8::Array::New(isolate_, flat.data(), flat.size()).As<v8::Value>(),
           optionalText(isolate_, listing.cursor));
  }

  void opDone(host::OpId op, Error& error) {
    std::array<v8::Local<v8::Value>, 3> arguments{
        id(isolate_, op), text(isolate_, errorCodeName(error.code)), text(isolate_, error.detail)};
    state_.call(context_, Entry::OpFailed, arguments);
  }

  GuestState& state_;
  v8::Local<v8::Context> context_;
  v8::Isolate* isolate_;
};

}  // namespace

void deliverEvent(GuestState& state, v8::Local<v8::Context> context, host::Event&& event) {
  state.stray.logCount = state.stray.logBytes = 0;
  std::visit(Delivery(state, context), event);
}

}  // namespace atolld::webapi
