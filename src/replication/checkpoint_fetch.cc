#include "replication/checkpoint_fetch.h"

#include <filesystem>
#include <format>
#include <fstream>

namespace atolld::replication {
namespace {

namespace fs = std::filesystem;

/// The id of the checkpoint that an earlier attempt began with; empty if there is none.
std::string keptId(const std::string& incoming) {
  std::error_code ignored;
  for (const fs::directory_entry& entry : fs::directory_iterator(incoming, ignored)) {
    const std::string name = entry.path().filename().string();
    if (isCheckpointId(name)) return name;
  }
  return {};
}

/// Makes room: only the checkpoint that is fetched now stays.
Result<> prepare(const std::string& incoming, const std::string& id) {
  std::error_code error;
  fs::create_directories(incoming + "/" + id, error);
  if (error) return fail(ErrorCode::Io, incoming + ": " + error.message());
  for (const fs::directory_entry& entry : fs::directory_iterator(incoming, error)) {
    if (entry.path().filename() != id) fs::remove_all(entry.path(), error);
  }
  return {};
}

/// How much of the file is there; a whole one that is not what it should be is removed.
Result<std::uint64_t> keptBytes(const std::string& path, const Manifest::File& file) {
  std::error_code error;
  const std::uint64_t size = fs::file_size(path, error);
  if (error) return 0;
  if (size < file.sizeBytes) return size;
  if (size == file.sizeBytes) {
    ATOLL_TRY(const std::string hash, hashFile(path));
    if (hash == file.sha256) return size;
  }
  fs::remove(path, error);
  return 0;
}

Result<> append(const std::string& path, std::string_view bytes) {
  std::ofstream file(path, std::ios::binary | std::ios::app);
  file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  file.close();
  if (!file) return fail(ErrorCode::Io, path + ": cannot be written; is the disk full?");
  return {};
}

}  // namespace

CheckpointFetch::CheckpointFetch(FleetClient& client, loop::Mailbox& mailbox,
                                 loop::ThreadPool& pool, std::string authority,
                                 std::string incoming, Hooks hooks)
    : client_(client),
      mailbox_(mailbox),
      pool_(pool),
      authority_(std::move(authority)),
      incoming_(std::move(incoming)),
      hooks_(std::move(hooks)) {}

CheckpointFetch::~CheckpointFetch() {
  *alive_ = false;
  hooks_ = {};
  if (exchange_ != nullptr) exchange_->cancel();
}

template <class Work, class Then>
void CheckpointFetch::onPool(Work work, Then then) {
  pool_.submit([&mailbox = mailbox_, alive = alive_, work = std::move(work),
                then = std::move(then)]() mutable {
    mailbox.post([alive = std::move(alive), then = std::move(then), result = work()]() mutable {
      if (*alive) then(std::move(result));
    });
  });
}

void CheckpointFetch::start() {
  onPool([incoming = incoming_] { return keptId(incoming); },
         [this](std::string id) {
           client_.call(authority_, "/fleet/v1/checkpoint", std::move(id),
                        [this, alive = alive_](const Result<std::string>& text) {
                          if (*alive) onManifest(text);
                        });
         });
}

void CheckpointFetch::onManifest(const Result<std::string>& text) {
  if (!text) return finish(std::unexpected(text.error()));
  Result<Manifest> manifest = Manifest::parse(*text);
  if (!manifest) return finish(std::unexpected(manifest.error()));
  manifest_ = *std::move(manifest);
  hooks_.onProgress();
  onPool([incoming = incoming_, id = manifest_.id] { return prepare(incoming, id); },
         [this](const Result<>& prepared) {
           if (!prepared) return finish(std::unexpected(prepared.error()));
           nextFile();
         });
}

void CheckpointFetch::nextFile() {
  if (file_ == manifest_.files.size()) return finish(directory());
  onPool([path = path(), file = manifest_.files[file_]] { return keptBytes(path, file); },
         [this](const Result<std::uint64_t>& kept) {
           if (!kept) return finish(std::unexpected(kept.error()));
           hooks_.onProgress();
           if (*kept == manifest_.files[file_].sizeBytes && *kept > 0) {
             ++file_;
             return nextFile();
           }
           download(*kept);
         });
}

void CheckpointFetch::download(std::uint64_t offset) {
  received_ = {};
  left_ = manifest_.files[file_].sizeBytes - offset;
  exchange_ = &client_.open(authority_,
                            std::format("/fleet/v1/checkpoint/file?id={}&name={}&offset={}",
                                        manifest_.id, manifest_.files[file_].name, offset),
                            *this);
}

void CheckpointFetch::onResponse(http::ResponseHead head) {
  if (head.status != 200) received_ = std::unexpected(errorOf(head, ""));
}

void CheckpointFetch::onBody(Bytes chunk) {
  const std::size_t size = chunk.size();
  if (received_ && size > left_) {
    received_ = fail(ErrorCode::Protocol, "a file is longer than announced");
  }
  if (!received_) return exchange_->consumed(size);
  left_ -= size;
  if (hooks_.onProgress) hooks_.onProgress();
  onPool([path = path(), chunk = std::move(chunk)] { return append(path, chunk.view()); },
         [this, size](const Result<>& written) {
           if (!written && received_) received_ = written;
           if (exchange_ != nullptr) exchange_->consumed(size);
         });
}

void CheckpointFetch::onClosed(const Result<>& ok, http::HeaderList) {
  exchange_ = nullptr;
  if (!ok && received_) received_ = ok;
  if (!hooks_.onDone) return;
  checkFile();
}

void CheckpointFetch::checkFile() {
  // Behind the writes: the pool has one thread.
  onPool(
      [path = path(), file = manifest_.files[file_]]() -> Result<bool> {
        if (file.sizeBytes == 0) ATOLL_TRY_VOID(append(path, ""));
        ATOLL_TRY(const std::string hash, hashFile(path));
        std::error_code ignored;
        const bool isWhole = fs::file_size(path, ignored) >= file.sizeBytes;
        if (isWhole && hash != file.sha256) fs::remove(path, ignored);
        return hash == file.sha256;
      },
      [this](const Result<bool>& good) {
        if (!received_) return finish(std::unexpected(received_.error()));
        if (!good) return finish(std::unexpected(good.error()));
        if (!*good) {
          return finish(fail(ErrorCode::Corrupt, "the file " + manifest_.files[file_].name +
                                                     " of the checkpoint was damaged on its way"));
        }
        ++file_;
        nextFile();
      });
}

void CheckpointFetch::finish(Result<std::string> result) {
  const auto done = std::exchange(hooks_, {}).onDone;
  if (done) done(std::move(result));  // May destroy this.
}

}  // namespace atolld::replication
