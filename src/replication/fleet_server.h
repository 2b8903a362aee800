#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/bytes.h"
#include "http/handler.h"
#include "loop/loop.h"
#include "loop/mailbox.h"
#include "loop/thread_pool.h"
#include "loop/timer.h"
#include "replication/checkpoint_source.h"
#include "replication/frames.h"
#include "replication/pacer.h"
#include "store/database.h"
#include "store/node_store.h"

namespace atolld::replication {

class LogStream;

/// Who calls: a node that has shown its certificate, or (to join) somebody without one.
struct Caller {
  std::string name;     ///< Empty: no certificate.
  std::string keyHash;  ///< Of its certificate's key.
};

/// What only the control plane answers. Called on a pool thread; may block.
struct FleetCall {
  bool public_ = false;  ///< Also without a certificate.
  std::size_t bodyBytesMax = 64 * 1024;
  std::function<Result<std::string>(const Caller& caller, std::string_view body)> run;
};

struct FleetServerOptions {
  bool isRoot = false;
  /// How old this node's knowledge is; the root's is never. Loop thread.
  std::function<std::chrono::milliseconds()> age;
  /// By path, "/fleet/v1/kv" say.
  std::map<std::string, FleetCall, std::less<>> calls;
  std::string checkpointDirectory;  ///< On the replica's file system.
};

/// Serves the log, checkpoints and the calls above to the nodes of the fleet, over connections
/// whose client certificates `listen` has verified: README.md has the wire format. A node that the
/// log does not know (any more) gets nothing. Loop thread only, but for onCommitted().
class FleetServer final : public http::Handler {
 public:
  /// Both outlive it.
  FleetServer(loop::Loop& loop, store::Database& database, FleetServerOptions options);
  /// Every connection must be gone: checked.
  ~FleetServer() override;

  void onRequest(http::Exchange& exchange, std::unique_ptr<http::RequestHead> head) override;

  /// For Database::onCommitted. Any thread.
  void onCommitted(std::uint32_t familyBits);
  /// Followers connected now, and the first entry that any of them still needs.
  std::size_t followerCount() const { return streams_.size(); }
  std::uint64_t firstNeeded() const;
  /// For KvStore::setPace. Any thread but the loop's.
  void pace(std::uint64_t index, std::chrono::milliseconds atMost) { pacer_.wait(index, atMost); }
  /// Ends the streams: they would keep a drain from its end.
  void drain();

 private:
  friend class LogStream;
  class Session;
  class CallSession;
  class FileSession;

  /// `done` gets the frames of entries from `index` on, and the index after them; nothing if they
  /// cannot be had. Streams that ask for the same get the same bytes.
  using Chunk = Result<std::pair<Bytes, std::uint64_t>>;
  void readFrom(std::uint64_t index, LogStream& stream);
  void tell();
  void beat();
  void checkNodes();
  void tellPacer();
  /// @error Unauthorized, Forbidden, or the store's. Pool threads.
  Result<> authorize(const Caller& caller) const;
  template <class Work, class Then>
  void onPool(Work work, Then then) {
    on(*pool_, std::move(work), std::move(then));
  }
  template <class Work, class Then>
  void on(loop::ThreadPool& pool, Work work, Then then);

  loop::Loop& loop_;
  store::Database& database_;
  store::NodeStore nodes_;
  FleetServerOptions options_;
  CheckpointSource checkpoints_;
  store::Position head_;
  std::unordered_map<Session*, std::shared_ptr<Session>> sessions_;
  std::vector<LogStream*> streams_;
  std::map<std::uint64_t, std::vector<std::weak_ptr<LogStream>>> reads_;
  std::atomic<std::uint32_t> committedFamilies_{0};
  std::atomic<bool> tellPosted_{false};
  Pacer pacer_;
  loop::Timer beatTimer_;
  loop::Mailbox mailbox_;
  // Last: joined before what their jobs use goes. Calls may wait for a commit, reads never do.
  std::unique_ptr<loop::ThreadPool> calls_;
  std::unique_ptr<loop::ThreadPool> pool_;
};

}  // namespace atolld::replication
