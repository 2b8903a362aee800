#include "shard/turns.h"

#include <algorithm>

#include "base/check.h"
#include "shard/scheduler.h"

namespace atolld::shard {

TenantTurn& Turns::join(std::string_view tenant) {
  auto found = tenants_.find(tenant);
  if (found == tenants_.end()) found = tenants_.try_emplace(std::string(tenant)).first;
  ++found->second.workerCount;
  return found->second;
}

void Turns::leave(Worker& worker) {
  TenantTurn& tenant = worker.turn_;
  ATOLL_CHECK(!worker.ready_ && tenant.workerCount > 0);
  if (--tenant.workerCount == 0) tenants_.erase(worker.version()->tenant);
}

void Turns::push(Worker& worker) noexcept {
  TenantTurn& tenant = worker.turn_;
  worker.nextReady_ = nullptr;
  if (tenant.first == nullptr) {
    tenant.first = tenant.last = &worker;
    append(tenant);
  } else {
    tenant.last = tenant.last->nextReady_ = &worker;
  }
}

Worker& Turns::pop() noexcept {
  TenantTurn& tenant = *first_;
  first_ = tenant.next;
  Worker& worker = *tenant.first;
  tenant.first = worker.nextReady_;
  if (tenant.first != nullptr) append(tenant);
  return worker;
}

const TenantTurn& Turns::heaviest() const noexcept {
  return std::ranges::max_element(tenants_, {},
                                  [](const auto& item) { return item.second.eventCount; })
      ->second;
}

void Turns::append(TenantTurn& tenant) noexcept {
  tenant.next = nullptr;
  if (first_ == nullptr) {
    first_ = last_ = &tenant;
  } else {
    last_ = last_->next = &tenant;
  }
}

}  // namespace atolld::shard
