#pragma once

#include <functional>
#include <memory>
#include <string>

#include "loop/mailbox.h"
#include "loop/thread_pool.h"
#include "replication/checkpoint_source.h"
#include "replication/fleet_client.h"

namespace atolld::replication {

/// Fetches a checkpoint, file by file, each verified by its hash; what an earlier attempt got of
/// the same one is not fetched again. Destroying it ends it. Loop thread only.
class CheckpointFetch final : private http::ClientSink {
 public:
  struct Hooks {
    std::function<void()> onProgress;
    /// The last call: the directory that holds it, or why there is none.
    std::function<void(Result<std::string> directory)> onDone;
  };

  /// All but `authority` and `hooks` are borrowed; `pool` has one thread, so that writes stay in
  /// order. `incoming` is a directory of its own.
  CheckpointFetch(FleetClient& client, loop::Mailbox& mailbox, loop::ThreadPool& pool,
                  std::string authority, std::string incoming, Hooks hooks);
  ~CheckpointFetch() override;

  void start();

 private:
  class IncomingFile;

  void onResponse(http::ResponseHead head) override;
  void onBody(Bytes chunk) override;
  void onDrained() override {}
  void onClosed(const Result<>& ok, http::HeaderList trailers) override;

  void onManifest(const Result<std::string>& text);
  /// Looks at what there is of the current file, and fetches the rest.
  void nextFile();
  void download(std::uint64_t offset);
  void writeArrived();
  void checkFile();
  void finish(Result<std::string> result);
  std::string directory() const { return incoming_ + "/" + manifest_.id; }
  std::string path() const { return directory() + "/" + manifest_.files[file_].name; }
  template <class Work, class Then>
  void onPool(Work work, Then then);

  FleetClient& client_;
  loop::Mailbox& mailbox_;
  loop::ThreadPool& pool_;
  const std::string authority_;
  const std::string incoming_;
  Hooks hooks_;
  Manifest manifest_;
  std::size_t file_ = 0;
  http::ClientExchange* exchange_ = nullptr;
  Result<> received_;
  std::uint64_t left_ = 0;  ///< Bytes of the file still to come.
  std::shared_ptr<IncomingFile> incomingFile_;
  std::string arrived_;  ///< And not handed to the pool yet.
  bool isWriting_ = false;
  bool isClosed_ = false;
  const std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace atolld::replication
