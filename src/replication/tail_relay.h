#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "loop/loop.h"
#include "loop/mailbox.h"
#include "telemetry/tail.h"

/// Live traces from the node that runs a script to the control plane, where its watchers are: the
/// answer to each status call says what is watched there, and /fleet/v1/tail takes what was seen.
/// Filters and samples are taken where the script runs.
namespace atolld::replication {

/// What a control plane wants to see: TailHub::orders().
std::string encodeTailOrders(const std::vector<telemetry::TailHub::Order>& orders);
/// Untrusted. Empty, as an older control plane answers: no orders. @error InvalidArgument
Result<std::vector<telemetry::TailHub::Order>> decodeTailOrders(std::string_view bytes);

/// What an edge saw for one order.
struct TailBatch {
  std::uint64_t order = 0;
  std::uint64_t lostCount = 0;
  std::vector<std::shared_ptr<const telemetry::TailItem>> items;

  std::string encode() const;
  /// Untrusted. `node` is who sent it. @error InvalidArgument
  static Result<TailBatch> decode(std::string_view bytes, std::string_view node);
  /// Of an encoded one: a watch's items, and one more that is as large as can be.
  static constexpr std::size_t kBytesMax = 2 * telemetry::TailWatch::kItemBytesMax;
};

/// An edge's side. Loop thread only.
class TailRelay {
 public:
  using Done = std::function<void(bool isSent)>;
  /// Posts an encoded batch; `done` is called once, not from inside.
  using Send = std::function<void(std::string batch, Done done)>;

  /// Both outlive it. `send`'s `done` is not called after the relay is gone.
  TailRelay(loop::Loop& loop, telemetry::TailHub& hub, Send send);
  ~TailRelay();

  /// Watches what the control plane asks for, and nothing else; what could not be sent goes now.
  void follow(const std::vector<telemetry::TailHub::Order>& orders);

 private:
  struct Watched;
  void forward(std::uint64_t order);

  telemetry::TailHub& hub_;
  const Send send_;
  loop::Mailbox mailbox_;
  std::map<std::uint64_t, std::unique_ptr<Watched>> watched_;  // First to go: they post.
};

}  // namespace atolld::replication
