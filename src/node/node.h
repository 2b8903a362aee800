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
#include "control/inspect_handler.h"
#include "isolate/inspector.h"
#include "listen/listener.h"
#include "loop/loop.h"
#include "loop/mailbox.h"
#include "loop/signal_watcher.h"
#include "loop/timer.h"
#include "node/bound.h"
#include "node/edge_part.h"
#include "node/fleet_control.h"
#include "node/fleet_edge.h"
#include "node/local_kv_writer.h"
#include "node/state.h"

namespace atolld::node {

/// A node of any role: the control plane on the main thread's loop, the edge on its shards. Main
/// thread only.
class Node {
 public:
  /// `line` is borrowed.
  Node(const config::CommandLine& line, std::string_view version);
  ~Node();

  /// @error InvalidArgument  wrong usage; anything else: why it cannot serve.
  Result<> start();
  /// The one line of JSON on stdout that says where it serves.
  std::string readyLine() const;
  /// Until a signal has come and everything is drained.
  void run();

 private:
  bool isEdge() const { return line_.mode == config::Mode::Edge; }
  Result<> startFleet();
  Result<> startControl();
  Result<> startAdmin();
  Result<> startInspect();
  void inspectAttached();
  Result<> startListener(Bound& bound, http::Handler& handler);
  void scheduleExpiry();
  void scheduleTrim();
  control::AdminHandler::Readiness readiness() const;
  std::string health();
  void drain(const char* signal);

  const config::CommandLine& line_;
  const config::Config& config_;
  const std::string version_;
  const SystemClock clock_;
  loop::Loop loop_;
  loop::Mailbox mailbox_{loop_};
  std::optional<loop::SignalWatcher> term_, interrupt_;
  loop::Timer expiryTimer_{loop_};
  loop::Timer trimTimer_{loop_};
  std::unique_ptr<State> state_;
  std::optional<FleetEdge> fleetEdge_;
  std::optional<LocalKvWriter> localKvWriter_;
  Bound control_, admin_, inspect_;
  std::optional<isolate::Inspector> inspector_;
  std::optional<EdgePart> edge_;
  std::optional<FleetControl> fleetControl_;
  std::unique_ptr<control::ControlHandler> controlHandler_;
  std::unique_ptr<control::AdminHandler> adminHandler_;
  std::unique_ptr<control::InspectHandler> inspectHandler_;
  std::vector<std::unique_ptr<listen::Listener>> listeners_;
  bool draining_ = false;
  bool drained_ = false;
  std::size_t pendingDrains_ = 0;
};

}  // namespace atolld::node
