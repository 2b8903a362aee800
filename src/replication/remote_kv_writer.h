#pragma once

#include <memory>
#include <mutex>
#include <string>

#include "loop/loop.h"
#include "loop/mailbox.h"
#include "replication/fleet_client.h"
#include "replication/follower.h"
#include "replication/kv_request.h"
#include "store/kv_writer.h"

namespace atolld::replication {

/// Writes by way of the control plane, and waits until they have come back by the log: so that
/// whoever was told reads what it wrote. A write whose answer was lost is asked for again, with the
/// same id. write() from any thread, the rest on the loop's.
class RemoteKvWriter final : public store::KvWriter {
 public:
  /// All outlive it. `control` is "host:port".
  RemoteKvWriter(loop::Loop& loop, FleetClient& client, Follower& follower, std::string control);
  ~RemoteKvWriter() override;

  void write(std::string namespaceId, std::vector<store::KvPut> puts,
             std::vector<std::string> removals, Done done) override;
  /// Every write that is open, and every later one, ends with Unavailable before this returns.
  void close();

 private:
  struct Write;
  struct Shared;

  void send(const std::shared_ptr<Write>& write);
  void onAnswer(const std::shared_ptr<Write>& write, const Result<std::string>& answer);

  FleetClient& client_;
  Follower& follower_;
  const std::string control_;
  const std::shared_ptr<Shared> shared_;
  loop::Loop& loop_;
  loop::Mailbox mailbox_;
};

}  // namespace atolld::replication
