#include "webapi/guest_state.h"

#include <utility>

namespace atolld::webapi {

bool GuestState::call(v8::Local<v8::Context> context, Entry entry,
                      std::span<v8::Local<v8::Value>> arguments) {
  v8::Isolate* const isolate = v8::Isolate::GetCurrent();
  const v8::Local<v8::Function> function = entries[static_cast<std::size_t>(entry)].Get(isolate);
  return !function
              ->Call(context, v8::Undefined(isolate), static_cast<int>(arguments.size()),
                     arguments.data())
              .IsEmpty();
}

std::uint32_t GuestState::openInvocation(host::InvocationId id) {
  std::uint32_t slot;
  if (freeSlots_.empty()) {
    slot = static_cast<std::uint32_t>(invocations_.size());
    invocations_.emplace_back();
  } else {
    slot = freeSlots_.back();
    freeSlots_.pop_back();
  }
  invocations_[slot].id = id;
  return slot;
}

Invocation* GuestState::findInvocation(v8::Local<v8::Value> slot) noexcept {
  if (!slot->IsUint32()) return nullptr;
  const std::uint32_t index = slot.As<v8::Uint32>()->Value();
  if (index >= invocations_.size() || invocations_[index].id == 0) return nullptr;
  return &invocations_[index];
}

std::optional<std::uint32_t> GuestState::findSlot(host::InvocationId id) const noexcept {
  // Only for what happens rarely: clients that go away, deadlines.
  for (std::size_t i = 0; i < invocations_.size(); ++i) {
    if (invocations_[i].id == id) return static_cast<std::uint32_t>(i);
  }
  return std::nullopt;
}

void GuestState::closeInvocation(std::uint32_t slot) noexcept {
  invocations_[slot] = {};
  freeSlots_.push_back(slot);
}

}  // namespace atolld::webapi
