#include "replication/checkpoint_fetch.h"

#include <filesystem>
#include <format>
#include <fstream>
#include <utility>

#include "store/crypto.h"

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

}  // namespace

/// A file on its way: written and hashed as it comes. Pool thread only, which is one.
class CheckpointFetch::IncomingFile {
 public:
  explicit IncomingFile(std::string path) : path_(std::move(path)) {}

  /// What an earlier attempt has left of it counts too. @error Io
  Result<> open() {
    std::error_code error;
    if (fs::file_size(path_, error) > 0 && !error) {
      ATOLL_TRY_VOID(hashFile(path_, sum_));
    }
    file_.open(path_, std::ios::binary | std::ios::app);
    return check();
  }
  Result<> append(std::string_view bytes) {
    sum_.update(bytes);
    file_.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    file_.flush();  // What another attempt finds is what there is.
    return check();
  }
  Result<std::string> finish() {
    file_.close();
    ATOLL_TRY_VOID(check());
    return sum_.finish();
  }

 private:
  Result<> check() const {
    if (!file_) return fail(ErrorCode::Io, path_ + ": cannot be written; is the disk full?");
    return {};
  }

  const std::string path_;
  std::ofstream file_;
  store::Sha256 sum_;
};

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
  incomingFile_ = std::make_shared<IncomingFile>(path());
  onPool([file = incomingFile_] { return file->open(); },
         [this](const Result<>& opened) {
           if (!opened && received_) received_ = opened;
         });
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
  arrived_ += chunk.view();
  writeArrived();
}

/// All that came while the last piece was being written is one piece.
void CheckpointFetch::writeArrived() {
  if (isWriting_ || arrived_.empty()) return;
  isWriting_ = true;
  const std::size_t size = arrived_.size();
  onPool(
      [file = incomingFile_, piece = std::exchange(arrived_, {})] { return file->append(piece); },
      [this, size](const Result<>& written) {
        isWriting_ = false;
        if (!written && received_) received_ = written;
        if (exchange_ != nullptr) exchange_->consumed(size);
        writeArrived();
        if (isClosed_ && !isWriting_) checkFile();
      });
}

void CheckpointFetch::onClosed(const Result<>& ok, http::HeaderList) {
  exchange_ = nullptr;
  if (!ok && received_) received_ = ok;
  if (!hooks_.onDone) return;
  isClosed_ = true;
  if (!isWriting_) checkFile();
}

void CheckpointFetch::checkFile() {
  isClosed_ = false;
  onPool(
      [path = path(), incoming = incomingFile_, file = manifest_.files[file_]]() -> Result<bool> {
        ATOLL_TRY(const std::string hash, incoming->finish());
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
