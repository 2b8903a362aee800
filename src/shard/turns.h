#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>

namespace atolld::shard {

class Worker;

/// One tenant's part of the Turns: its ready workers, first come first served.
struct TenantTurn {
  Worker* first = nullptr;  ///< Linked by Worker::nextReady_.
  Worker* last = nullptr;
  TenantTurn* next = nullptr;   ///< Of the tenants with ready workers.
  std::size_t workerCount = 0;  ///< Ready or not.
  std::size_t eventCount = 0;   ///< That wait for slices of its workers.
};

/// The ready workers of a shard, in the order of their slices: tenants take turns, one slice each,
/// and so do the workers of a tenant within its turns. A tenant with hundreds of busy scripts keeps
/// another's request waiting no longer than a tenant with one. Seat holder only.
class Turns {
 public:
  /// The turn of a new worker of `tenant`; the name is copied. leave() once per join().
  TenantTurn& join(std::string_view tenant);
  /// `worker` is not ready.
  void leave(Worker& worker);

  void push(Worker& worker) noexcept;
  /// There is one.
  Worker& pop() noexcept;
  bool isEmpty() const noexcept { return first_ == nullptr; }
  /// The tenant with the most waiting events; there is a tenant.
  const TenantTurn& heaviest() const noexcept;
  /// Takes all out.
  void clear() noexcept { first_ = last_ = nullptr; }

 private:
  void append(TenantTurn& tenant) noexcept;

  struct Hash : std::hash<std::string_view> {
    using is_transparent = void;
  };
  std::unordered_map<std::string, TenantTurn, Hash, std::equal_to<>> tenants_;
  TenantTurn* first_ = nullptr;  ///< Tenants with ready workers.
  TenantTurn* last_ = nullptr;
};

}  // namespace atolld::shard
