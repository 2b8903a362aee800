#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "store/database.h"

namespace atolld::store {

/// A node of the fleet, as the log knows it.
struct FleetNode {
  std::string name;    ///< As checkName().
  std::string region;  ///< For people and rules; may be empty.
  std::vector<std::pair<std::string, std::string>> labels;
  std::string keyHash;  ///< SHA-256 of its public key: who has that key's certificate is this node.
  UnixMillis joinedAt{};
  bool isDrained = false;  ///< It is to be sent no traffic, until an operator says otherwise.
};

/// What an operator may write. @error InvalidArgument
Result<> checkFleetNode(const FleetNode& node);

/// Column family "nodes": name -> node. A node that is not there has no access, whatever
/// certificate it shows. Blocks on disk: storage threads only, but for tryFind().
class NodeStore {
 public:
  explicit NodeStore(Database& database) : database_(database) {}

  Result<std::optional<FleetNode>> find(std::string_view name) const;
  /// From memory only; nullopt outside: ask a storage thread. Any thread.
  std::optional<Result<std::optional<FleetNode>>> tryFind(std::string_view name) const;
  Result<std::vector<FleetNode>> list() const;  ///< By name.
  /// Its certificate is good for nothing from then on. @error NotFound
  Result<> remove(std::string_view name);
  /// @error NotFound
  Result<> setDrained(std::string_view name, bool isDrained);

  /// For proposals that decide on more than the node.
  static void stage(const FleetNode& node, Ops& ops);
  static Result<std::optional<FleetNode>> read(const View& view, std::string_view name);
  /// A row as Database::get() gives it. @error Corrupt
  static Result<std::optional<FleetNode>> decode(std::string_view name,
                                                 const std::optional<std::string>& row);

 private:
  Database& database_;
};

}  // namespace atolld::store
