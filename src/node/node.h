#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "config/command_line.h"
#include "control/admin_handler.h"
#include "control/control_handler.h"
#include "listen/listener.h"
#include "loop/loop.h"
#include "loop/mailbox.h"
#include "loop/timer.h"
#include "node/bound.h"
#include "node/edge_part.h"
#include "node/state.h"

namespace atolld::node {

/// A node of any role: the control plane on the main thread's loop, the edge on its shards. Main
/// thread only.
class Node {
 public:
  /// `line` is borrowed.
  Node(const config::CommandLine& line, std::string_view version);
  ~Node();

  Result<> start();
  /// The one line of JSON on stdout that says where it serves.
  std::string readyLine() const;
  /// Until a signal has come and everything is drained.
  void run();

 private:
  Result<> startControl();
  Result<> startAdmin();
  Result<> startListener(Bound& bound, http::Handler& handler);
  void scheduleExpiry();
  void drain(const char* signal);

  const config::Config& config_;
  const std::string version_;
  const SystemClock clock_;
  loop::Loop loop_;
  loop::Mailbox mailbox_{loop_};
  loop::Timer expiryTimer_{loop_};
  std::unique_ptr<State> state_;
  Bound control_, admin_;
  std::optional<EdgePart> edge_;
  std::unique_ptr<control::ControlHandler> controlHandler_;
  std::unique_ptr<control::AdminHandler> adminHandler_;
  std::vector<std::unique_ptr<listen::Listener>> listeners_;
  bool draining_ = false;
  bool drained_ = false;
  std::size_t pendingDrains_ = 0;
};

}  // namespace atolld::node
