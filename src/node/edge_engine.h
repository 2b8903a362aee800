#pragma once

#include <functional>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "dispatch/dispatcher.h"
#include "listen/listener.h"
#include "loop/loop.h"
#include "loop/mailbox.h"
#include "loop/resolver.h"
#include "shard/shard.h"
#include "upstream/client.h"

namespace atolld::node {

/// What one shard serves: its dispatcher, and its listeners in front of it.
class EdgeEngine final : public shard::Engine {
 public:
  EdgeEngine(const dispatch::Node& node, loop::Loop& loop, loop::Mailbox& mailbox,
             const shard::SchedulerLimits& limits, const upstream::ClientOptions& upstreamOptions)
      : resolver_(loop, node.storage),
        upstream_(loop, resolver_, upstreamOptions),
        dispatcher_(node, loop, mailbox, upstream_, limits),
        loop_(loop) {}

  Result<> listen(listen::ListenerOptions options) {
    // While the handshake goes on, the script gets ready.
    options.onServerName = [this](std::string_view host) { dispatcher_.expect(host); };
    listeners_.push_back(
        std::make_unique<listen::Listener>(loop_, std::move(options), dispatcher_));
    return listeners_.back()->start();
  }

  /// `onDrained` is called once, when the last connection is closed.
  void drain(std::function<void()> onDrained) {
    draining_ = listeners_.size();
    if (draining_ == 0) return onDrained();
    for (const auto& listener : listeners_) {
      listener->drain([this, onDrained] {
        if (--draining_ == 0) onDrained();
      });
    }
  }

  void onDeployed(std::string_view tenant, std::string_view script) {
    dispatcher_.onDeployed(tenant, script);
  }

  /// A debugger waits for that script.
  void inspect(std::string_view tenant, std::string_view script) {
    dispatcher_.expectScript(tenant, script);
    dispatcher_.scheduler().inspect();
  }

  void sendAway() {
    for (const auto& listener : listeners_) listener->sendAway();
  }

  shard::Scheduler& scheduler() override { return dispatcher_.scheduler(); }
  void beforeSlices() override { dispatcher_.beforeSlices(); }

 private:
  loop::Resolver resolver_;
  upstream::Client upstream_;
  dispatch::Dispatcher dispatcher_;
  loop::Loop& loop_;
  std::vector<std::unique_ptr<listen::Listener>> listeners_;  // First to go: they call dispatcher_.
  std::size_t draining_ = 0;
};

}  // namespace atolld::node
