// The natives by which scripts' side appends host::Effects to the outbox. They trust nobody: what a
// script's side gives is checked here once more, whatever JavaScript promised.

#include <algorithm>
#include <format>
#include <utility>

#include "webapi/bytes.h"
#include "webapi/effects.h"
#include "webapi/header_text.h"
#include "webapi/natives.h"

namespace atolld::webapi {
namespace {

/// Content types that body.js names by number.
constexpr std::array<std::string_view, 4> kContentTypes{
    "", "text/plain;charset=UTF-8", "application/x-www-form-urlencoded;charset=UTF-8",
    "application/json"};

constexpr std::uint64_t kLogLevelMax = static_cast<std::uint64_t>(host::Log::Level::Error);

/// Of an error's message and stack: more is nothing a person reads.
constexpr std::size_t kErrorTextBytesMax = 16 * 1024;

/// The text's first bytes, up to a whole character.
std::string cut(std::string text, std::size_t bytesMax) {
  if (text.size() <= bytesMax) return text;
  while (bytesMax > 0 && (static_cast<unsigned char>(text[bytesMax]) & 0xC0) == 0x80) --bytesMax;
  text.resize(bytesMax);
  return text;
}

}  // namespace

std::optional<std::uint32_t> NativeCall::id(int index) const noexcept {
  if (!info_[index]->IsUint32()) return std::nullopt;
  const std::uint32_t value = info_[index].As<v8::Uint32>()->Value();
  return value == 0 ? std::nullopt : std::optional(value);
}

std::uint64_t NativeCall::whole(int index) const noexcept {
  if (!info_[index]->IsNumber()) return 0;
  const double value = info_[index].As<v8::Number>()->Value();
  return value >= 1 && value <= 9007199254740991.0 ? static_cast<std::uint64_t>(value) : 0;
}

std::string NativeCall::utf8(int index) const {
  return info_[index]->IsString() ? utf8Of(v8_, info_[index].As<v8::String>()) : std::string();
}

std::optional<std::string> NativeCall::optionalUtf8(int index) const {
  if (!info_[index]->IsString()) return std::nullopt;
  return utf8Of(v8_, info_[index].As<v8::String>());
}

std::optional<Bytes> NativeCall::bytes(int index) const {
  if (info_[index]->IsString()) return Bytes(utf8(index));
  const BufferView view(info_[index]);
  if (!view.ok()) return std::nullopt;
  return Bytes::copyOf(view.bytes());
}

std::optional<host::Body> NativeCall::body(int index, const Invocation& invocation) const {
  const v8::Local<v8::Value> value = info_[index];
  if (value->IsUndefined()) return host::NoBody{};
  if (value->IsTrue()) {
    if (!invocation.body) return std::nullopt;
    return *invocation.body;
  }
  if (value->IsNumber()) {
    const auto bodyId = id(index);
    if (!bodyId) return std::nullopt;
    host::BodyRef reference{.id = *bodyId};
    if (info_[index + 1]->IsNumber()) reference.length = whole(index + 1);
    return reference;
  }
  auto content = bytes(index);
  if (!content) return std::nullopt;
  return *std::move(content);
}

bool NativeCall::headers(int index, http::HeaderList& out) const {
  if (!info_[index]->IsArray()) return true;
  const auto flat = info_[index].As<v8::Array>();
  const auto context = v8_->GetCurrentContext();
  for (std::uint32_t i = 0; i + 1 < flat->Length(); i += 2) {
    v8::Local<v8::Value> name, value;
    if (!flat->Get(context, i).ToLocal(&name) || !flat->Get(context, i + 1).ToLocal(&value) ||
        !name->IsString() || !value->IsString()) {
      return false;
    }
    const auto nameText = latin1Of(v8_, name.As<v8::String>());
    const auto valueText = latin1Of(v8_, value.As<v8::String>());
    if (!nameText || !valueText || !isHeaderName(*nameText) || !isHeaderValue(*valueText)) {
      return false;
    }
    out.add(*nameText, *valueText);
  }
  return true;
}

void NativeCall::end(int index) const {
  const std::uint32_t slot = info_[index].As<v8::Uint32>()->Value();
  emit(host::Done{state_.at(slot).id});
  state_.closeInvocation(slot);
}

void NativeCall::refuse(std::string_view what) const {
  v8_->ThrowException(v8::Exception::Error(internalized(v8_, what)));
}

namespace {

using Info = v8::FunctionCallbackInfo<v8::Value>;

http::BodyKind kindOf(const host::Body& body, std::uint64_t& length) {
  if (const auto* const bytes = std::get_if<Bytes>(&body)) {
    length = bytes->size();
    return http::BodyKind::Length;
  }
  const auto* const flowing = std::get_if<host::BodyRef>(&body);
  if (flowing == nullptr) return http::BodyKind::None;
  length = flowing->length.value_or(0);
  return flowing->length ? http::BodyKind::Length : http::BodyKind::Unknown;
}

/// respond(slot, status, [name, value, …] or null, content type number, body, length, socket,
/// last): `last` frees the slot, as done() does
void respond(const Info& info) noexcept {
  NativeCall call(info);
  Invocation* const invocation = call.invocation(0);
  if (invocation == nullptr) return call.refuse("respond: the invocation has ended");
  if (invocation->responded) return call.refuse("respond: there was a response already");
  const std::uint64_t status = call.whole(1);
  const std::uint64_t contentType = call.whole(3);
  auto body = call.body(4, *invocation);
  host::Respond effect;
  const auto socket = call.id(6);
  if (socket && (invocation->head == nullptr || !invocation->head->webSocket)) {
    return throwTypeError(info.GetIsolate(),
                          "Worker tried to return WebSocket in a response to a request which did "
                          "not contain the header \"Upgrade: websocket\".");
  }
  const bool sendable = socket ? status == 101 : status >= 200 && status <= 599;
  if (!sendable || contentType >= kContentTypes.size() || !body ||
      !call.headers(2, effect.head.headers)) {
    return call.refuse("respond: a status, header or body that cannot be sent");
  }
  if (contentType != 0) {
    effect.head.headers.add("content-type", kContentTypes[contentType]);
  }
  effect.invocation = invocation->id;
  effect.head.status = static_cast<int>(status);
  effect.head.body = kindOf(*body, effect.head.contentLength);
  effect.body = *std::move(body);
  effect.socket = socket.value_or(0);
  invocation->responded = true;
  call.emit(std::move(effect));
  if (info[7]->IsTrue()) call.end(0);
}

/// failed(slot, message, stack, gaveNoResponse, overSubrequests)
void failed(const Info& info) noexcept {
  NativeCall call(info);
  Invocation* const invocation = call.invocation(0);
  if (invocation == nullptr || invocation->responded) return;
  invocation->responded = true;
  call.emit(host::Failed{invocation->id, cut(call.utf8(1), kErrorTextBytesMax),
                         cut(call.utf8(2), kErrorTextBytesMax), info[3]->IsTrue(),
                         info[4]->IsTrue()});
}

/// done(slot): frees the slot
void done(const Info& info) noexcept {
  NativeCall call(info);
  Invocation* const invocation = call.invocation(0);
  if (invocation == nullptr) return;
  // A tick is no request: there is nothing to respond to.
  if (!invocation->responded && invocation->head != nullptr) {
    call.emit(host::Failed{invocation->id, "Error: the handler gave no response", {}, true});
  }
  call.end(0);
}

/// bodyWrite(id, bytes) -> how many
void bodyWrite(const Info& info) noexcept {
  NativeCall call(info);
  const auto body = call.id(0);
  auto bytes = call.bytes(1);
  if (!body || *body % 2 == 0 || !bytes) return call.refuse("bodyWrite: no such body, or no bytes");
  info.GetReturnValue().Set(static_cast<double>(bytes->size()));
  if (bytes->empty()) return;
  isolate::Isolate::from(info.GetIsolate()).countOutbox(bytes->size());
  call.emit(host::BodyWrite{*body, *std::move(bytes)});
}

/// bodyClose(id, error text or undefined)
void bodyClose(const Info& info) noexcept {
  NativeCall call(info);
  const auto body = call.id(0);
  if (!body || *body % 2 == 0) return call.refuse("bodyClose: no such body");
  host::BodyClose effect{.body = *body};
  if (auto text = call.optionalUtf8(1)) effect.error = Error{ErrorCode::Script, *std::move(text)};
  call.emit(std::move(effect));
}

/// bodyPull(id, bytes)
void bodyPull(const Info& info) noexcept {
  NativeCall call(info);
  const auto body = call.id(0);
  if (!body || *body % 2 != 0) return call.refuse("bodyPull: no such body");
  call.emit(host::BodyPull{*body, call.whole(1)});
}

/// bodyCollect(id, op, bytesMax)
void bodyCollect(const Info& info) noexcept {
  NativeCall call(info);
  const auto body = call.id(0), op = call.id(1);
  if (!body || *body % 2 != 0 || !op) return call.refuse("bodyCollect: no such body");
  call.emit(host::BodyCollect{*body, *op, call.whole(2)});
}

/// bodyCancel(id)
void bodyCancel(const Info& info) noexcept {
  NativeCall call(info);
  const auto body = call.id(0);
  if (!body || *body % 2 != 0) return call.refuse("bodyCancel: no such body");
  call.emit(host::BodyCancel{*body});
}

/// timerStart(id, slot, milliseconds)
void timerStart(const Info& info) noexcept {
  NativeCall call(info);
  const auto timer = call.id(0);
  const Invocation* const invocation = call.invocation(1);
  if (!timer || invocation == nullptr) return call.refuse("timerStart: the invocation has ended");
  call.emit(host::TimerStart{*timer, invocation->id, call.whole(2)});
}

/// timerCancel(id)
void timerCancel(const Info& info) noexcept {
  NativeCall call(info);
  if (const auto timer = call.id(0)) call.emit(host::TimerCancel{*timer});
}

/// opCancel(id)
void opCancel(const Info& info) noexcept {
  NativeCall call(info);
  if (const auto op = call.id(0)) call.emit(host::OpCancel{*op});
}

/// log(slot or -1, level, text)
void log(const Info& info) noexcept {
  NativeCall call(info);
  Invocation* const found = call.invocation(0);
  Invocation& counted = found == nullptr ? call.state().stray : *found;
  // What is logged lives outside the isolate's heap: it has a limit of its own.
  if (counted.logCount > kLogCountMax) return;
  host::Log effect{.invocation = counted.id, .text = call.utf8(2)};
  effect.level =
      static_cast<host::Log::Level>(std::min<std::uint64_t>(call.whole(1), kLogLevelMax));
  counted.logBytes += effect.text.size();
  if (++counted.logCount > kLogCountMax || counted.logBytes > kLogBytesMax) {
    counted.logCount = kLogCountMax + 1;
    effect.level = host::Log::Level::Warn;
    effect.text = std::format("Log limit exceeded: of {} lines and {} KiB. The rest is left out.",
                              kLogCountMax, kLogBytesMax / 1024);
  }
  call.emit(std::move(effect));
}

/// takeBytes(form): the bytes of the event being delivered
void takeBytes(const Info& info) noexcept {
  NativeCall call(info);
  const std::uint64_t take = call.whole(0);
  const Bytes bytes = std::exchange(call.state().eventBytes, {});
  v8::Local<v8::Value> value;
  if (take <= 3 &&
      takeAs(info.GetIsolate()->GetCurrentContext(), bytes.view(), static_cast<Take>(take))
          .ToLocal(&value)) {
    info.GetReturnValue().Set(value);
  }
}

constexpr std::array kNatives{isolate::Native{"respond", &respond},
                              isolate::Native{"failed", &failed},
                              isolate::Native{"done", &done},
                              isolate::Native{"bodyWrite", &bodyWrite},
                              isolate::Native{"bodyClose", &bodyClose},
                              isolate::Native{"bodyPull", &bodyPull},
                              isolate::Native{"bodyCollect", &bodyCollect},
                              isolate::Native{"bodyCancel", &bodyCancel},
                              isolate::Native{"timerStart", &timerStart},
                              isolate::Native{"timerCancel", &timerCancel},
                              isolate::Native{"opCancel", &opCancel},
                              isolate::Native{"log", &log},
                              isolate::Native{"takeBytes", &takeBytes}};

}  // namespace

std::span<const isolate::Native> effectNatives() { return kNatives; }

}  // namespace atolld::webapi
