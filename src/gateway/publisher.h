#pragma once

#include <memory>

#include "base/result.h"
#include "deploy/registry.h"
#include "gateway/live_table.h"
#include "store/database.h"

namespace atolld::gateway {

/// Keeps the live table what the replica says. A commit is acknowledged only after its routes and
/// deployments are in force here, so whoever was told "deployed" gets the new version next.
class Publisher {
 public:
  /// All outlive it.
  Publisher(const deploy::Registry& registry, LiveTable& live, TableOptions options);

  /// Builds the table from the replica and puts it in force. Blocks on disk: storage or commit
  /// thread. On an error the last good table stays.
  Result<> publish();
  using Scripts = std::vector<deploy::Registry::Delta::Script>;
  /// For Database::onCommitted: puts in force what of it matters to the table.
  /// @return the scripts whose deployments changed; none where all of the table was made anew
  Scripts onCommitted(const store::Changes& changes);

 private:
  Result<Scripts> publishChanged(const store::Changes& changes);

  const deploy::Registry& registry_;
  LiveTable& live_;
  const TableOptions options_;
  std::shared_ptr<const Table> table_;  ///< The last one; null: it could not be made.
};

}  // namespace atolld::gateway
