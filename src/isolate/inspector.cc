#include "isolate/inspector.h"

#include <random>

#include "base/encoding.h"
#include "isolate/inspection.h"

namespace atolld::isolate {
namespace {

std::string makeId() {
  std::random_device random;
  std::string bytes;
  for (int i = 0; i < 16; ++i) bytes += static_cast<char>(random());
  return toHex(bytes);
}

}  // namespace

void InspectedScript::attach(std::shared_ptr<Frontend> frontend) {
  std::shared_ptr<Frontend> replaced;
  {
    const std::scoped_lock lock(mutex_);
    if (isClosed_) {
      replaced = std::move(frontend);
    } else {
      replaced = std::exchange(frontend_, std::move(frontend));
      ++attachment_;
      messages_.clear();
      state_.clear();
      if (current_ != nullptr) current_->interrupt();
    }
  }
  changed_.notify_all();
  if (replaced) replaced->onReplaced();
}

void InspectedScript::detach(const Frontend& frontend) {
  const std::scoped_lock lock(mutex_);
  if (frontend_.get() != &frontend) return;
  frontend_ = nullptr;
  ++attachment_;
  messages_.clear();
  state_.clear();
  if (current_ != nullptr) current_->interrupt();
  changed_.notify_all();
}

void InspectedScript::send(const Frontend& frontend, std::string message) {
  const std::scoped_lock lock(mutex_);
  if (frontend_.get() != &frontend) return;
  messages_.push_back(std::move(message));
  if (current_ != nullptr) current_->interrupt();
  changed_.notify_all();
}

bool InspectedScript::isAttached() const {
  const std::scoped_lock lock(mutex_);
  return frontend_ != nullptr;
}

void InspectedScript::close() {
  std::shared_ptr<Frontend> replaced;
  {
    const std::scoped_lock lock(mutex_);
    isClosed_ = true;
    replaced = std::exchange(frontend_, nullptr);
    ++attachment_;
  }
  changed_.notify_all();
  if (replaced) replaced->onReplaced();
}

void InspectedScript::enter(Inspection& inspection) {
  const std::scoped_lock lock(mutex_);
  current_ = &inspection;
}

void InspectedScript::leave(const Inspection& inspection) {
  const std::scoped_lock lock(mutex_);
  if (current_ == &inspection) current_ = nullptr;
}

bool InspectedScript::hasWork(const Inspection& inspection, std::uint64_t attachment) const {
  const std::scoped_lock lock(mutex_);
  return hasWorkLocked(inspection, attachment);
}

bool InspectedScript::hasWorkLocked(const Inspection& inspection, std::uint64_t attachment) const {
  if (current_ != &inspection) return attachment != 0;
  return attachment != attachment_ || !messages_.empty();
}

InspectedScript::Work InspectedScript::take(const Inspection& inspection) {
  const std::scoped_lock lock(mutex_);
  return takeLocked(inspection);
}

InspectedScript::Work InspectedScript::wait(const Inspection& inspection,
                                            std::uint64_t attachment) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return isClosed_ || hasWorkLocked(inspection, attachment); });
  return takeLocked(inspection);
}

InspectedScript::Work InspectedScript::takeLocked(const Inspection& inspection) {
  if (current_ != &inspection) return {.isClosed = isClosed_};
  return {.attachment = attachment_,
          .frontend = frontend_,
          .state = state_,
          .messages = std::exchange(messages_, {}),
          .isClosed = isClosed_};
}

void InspectedScript::keepState(const Inspection& inspection, std::vector<std::uint8_t> state) {
  const std::scoped_lock lock(mutex_);
  if (current_ == &inspection) state_ = std::move(state);
}

std::shared_ptr<InspectedScript> Inspector::script(const std::string& tenant,
                                                   const std::string& script) {
  const std::scoped_lock lock(mutex_);
  std::shared_ptr<InspectedScript>& slot = scripts_[{tenant, script}];
  if (slot == nullptr) slot = std::make_shared<InspectedScript>(tenant, script, makeId());
  if (isClosed_) slot->close();
  return slot;
}

std::shared_ptr<InspectedScript> Inspector::find(std::string_view id) const {
  const std::scoped_lock lock(mutex_);
  for (const auto& [name, script] : scripts_) {
    if (script->id() == id) return script;
  }
  return nullptr;
}

std::vector<std::shared_ptr<InspectedScript>> Inspector::attached() const {
  std::vector<std::shared_ptr<InspectedScript>> found;
  const std::scoped_lock lock(mutex_);
  for (const auto& [name, script] : scripts_) {
    if (script->isAttached()) found.push_back(script);
  }
  return found;
}

void Inspector::close() {
  const std::scoped_lock lock(mutex_);
  isClosed_ = true;
  for (const auto& [name, script] : scripts_) script->close();
}

}  // namespace atolld::isolate
