#include "shard/script_thread.h"

#include <csignal>
#include <cstddef>
#include <memory>
#include <utility>

#include "base/check.h"
#include "isolate/isolate.h"

namespace atolld::shard {
namespace {

void* runBody(void* data) noexcept {
  const std::unique_ptr<std::function<void()>> body(static_cast<std::function<void()>*>(data));
  // For handlers of signals that a used-up stack sends.
  constexpr std::size_t kSignalStackBytes = 64 * 1024;
  const auto stack = std::make_unique<std::byte[]>(kSignalStackBytes);
  const stack_t alternative{.ss_sp = stack.get(), .ss_flags = 0, .ss_size = kSignalStackBytes};
  ATOLL_CHECK(sigaltstack(&alternative, nullptr) == 0);
  (*body)();
  constexpr stack_t kNone{.ss_sp = nullptr, .ss_flags = SS_DISABLE, .ss_size = 0};
  sigaltstack(&kNone, nullptr);
  return nullptr;
}

}  // namespace

ScriptThread::ScriptThread(const std::string& name, std::function<void()> body) {
  pthread_attr_t attributes;
  ATOLL_CHECK(pthread_attr_init(&attributes) == 0);
  ATOLL_CHECK(pthread_attr_setstacksize(&attributes, isolate::kScriptThreadStackBytes) == 0);
  auto owned = std::make_unique<std::function<void()>>(std::move(body));
  ATOLL_CHECK(pthread_create(&thread_, &attributes, &runBody, owned.get()) == 0);
  owned.release();  // The thread's now.
  pthread_attr_destroy(&attributes);
  pthread_setname_np(thread_, name.substr(0, 15).c_str());
}

ScriptThread::~ScriptThread() {
  if (!detached_) pthread_join(thread_, nullptr);
}

void ScriptThread::detach() noexcept {
  pthread_detach(thread_);
  detached_ = true;
}

}  // namespace atolld::shard
