#pragma once

#include <v8.h>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "base/bytes.h"
#include "webapi/guest_state.h"

namespace atolld::webapi {

/// The arguments of one call of a native, read as effects need them. A value of the wrong type is
/// an answer (nothing, 0, empty), never a crash: a script may have bent whatever calls us.
class NativeCall {
 public:
  explicit NativeCall(const v8::FunctionCallbackInfo<v8::Value>& info)
      : info_(info),
        v8_(info.GetIsolate()),
        isolate_(isolate::Isolate::from(v8_)),
        state_(GuestState::of(isolate_)) {}

  GuestState& state() const noexcept { return state_; }
  /// The open invocation of the slot in that argument; null if it has ended.
  Invocation* invocation(int index) const noexcept { return state_.findInvocation(info_[index]); }
  /// An id: 1 to 2^32-1.
  std::optional<std::uint32_t> id(int index) const noexcept;
  /// A number's whole part from 1 to 2^53-1; 0 for everything else.
  std::uint64_t whole(int index) const noexcept;
  std::string utf8(int index) const;
  std::optional<std::string> optionalUtf8(int index) const;
  /// A string's UTF-8, or a copy of a buffer's bytes.
  std::optional<Bytes> bytes(int index) const;
  /// A body in the form of body.js's outgoing(), its length in the next argument.
  std::optional<host::Body> body(int index, const Invocation& invocation) const;
  /// Appends [name, value, …]; false if one of them must not be sent (or a getter threw).
  bool headers(int index, http::HeaderList& out) const;

  template <class Effect>
  void emit(Effect effect) const {
    isolate_.outbox().emplace_back(std::move(effect));
  }
  /// Ends the invocation that invocation(index) has found, and frees its slot.
  void end(int index) const;
  /// Throws an Error.
  void refuse(std::string_view what) const;

 private:
  const v8::FunctionCallbackInfo<v8::Value>& info_;
  v8::Isolate* v8_;
  isolate::Isolate& isolate_;
  GuestState& state_;
};

}  // namespace atolld::webapi
