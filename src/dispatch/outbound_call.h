#pragma once

namespace atolld::dispatch {

/// What an open op of a script waits for, as far as the script can lose interest in it. Seat holder
/// only.
class OutboundCall {
 public:
  virtual ~OutboundCall() = default;
  /// The script does not want the answer any more.
  virtual void cancel() = 0;
};

}  // namespace atolld::dispatch
