// What the script's side of WebSockets asks of the host; see isolates/web/web_socket.js.

#include <array>

#include "webapi/bytes.h"
#include "webapi/effects.h"
#include "webapi/natives.h"

namespace atolld::webapi {
namespace {

using Info = v8::FunctionCallbackInfo<v8::Value>;

/// socketAccept(id, halfOpen)
void socketAccept(const Info& info) noexcept {
  NativeCall call(info);
  if (const auto socket = call.id(0)) call.emit(host::SocketAccept{*socket, info[1]->IsTrue()});
}

/// socketSend(id, string or bytes) -> how many bytes
void socketSend(const Info& info) noexcept {
  NativeCall call(info);
  const auto socket = call.id(0);
  auto payload = call.bytes(1);
  if (!socket || !payload) return call.refuse("socketSend: no such socket, or no message");
  info.GetReturnValue().Set(static_cast<double>(payload->size()));
  call.emit(host::SocketSend{*socket, info[1]->IsString(), *std::move(payload)});
}

/// socketClose(id, code, reason)
void socketClose(const Info& info) noexcept {
  NativeCall call(info);
  const auto socket = call.id(0);
  const std::uint64_t code = call.whole(1);
  if (!socket || code > UINT16_MAX) return call.refuse("socketClose: no such socket, or code");
  call.emit(host::SocketClose{*socket, static_cast<std::uint16_t>(code), call.utf8(2)});
}

constexpr std::array kNatives{isolate::Native{"socketAccept", &socketAccept},
                              isolate::Native{"socketSend", &socketSend},
                              isolate::Native{"socketClose", &socketClose}};

}  // namespace

std::span<const isolate::Native> webSocketNatives() { return kNatives; }

}  // namespace atolld::webapi
