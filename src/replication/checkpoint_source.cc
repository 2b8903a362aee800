#include "replication/checkpoint_source.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <format>
#include <fstream>

#include "base/encoding.h"
#include "store/crypto.h"

namespace atolld::replication {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kFirstLine = "atoll checkpoint 1";
constexpr std::size_t kFileCountMax = 100'000;
constexpr std::size_t kNameBytesMax = 100;
/// One serves all who ask within this time: its age is what they then read from the log.
constexpr std::chrono::seconds kFresh{30};
constexpr std::chrono::minutes kUnused{10};

bool isFileName(std::string_view name) {
  return !name.empty() && name.size() <= kNameBytesMax && name.front() != '.' &&
         std::ranges::all_of(name, [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '.' || c == '-' || c == '_';
         });
}

/// Takes the next word or line off `text`; nothing if `end` does not come.
std::optional<std::string_view> takeUntil(std::string_view& text, char end) {
  const std::size_t at = text.find(end);
  if (at == std::string_view::npos) return std::nullopt;
  const std::string_view taken = text.substr(0, at);
  text.remove_prefix(at + 1);
  return taken;
}

std::unexpected<Error> refuse(std::string_view why) {
  return fail(ErrorCode::Protocol, "a checkpoint's manifest " + std::string(why));
}

Result<Manifest::File> parseFile(std::string_view line) {
  const auto word = takeUntil(line, ' ');
  const auto size = takeUntil(line, ' ');
  const auto hash = takeUntil(line, ' ');
  if (!word || *word != "file" || !size || !hash || !isFileName(line)) {
    return refuse("has a line that names no file");
  }
  Manifest::File file{.name = std::string(line)};
  const auto [end, error] =
      std::from_chars(size->data(), size->data() + size->size(), file.sizeBytes);
  const auto raw = parseHex(*hash);
  if (error != std::errc() || end != size->data() + size->size() || !raw ||
      raw->size() != store::kHashBytes) {
    return refuse("has a file without size and hash");
  }
  file.sha256 = *raw;
  return file;
}

}  // namespace

bool isCheckpointId(std::string_view text) { return text.size() == 32 && parseHex(text); }

std::string Manifest::toText() const {
  std::string text = std::format("{}\nid {}\n", kFirstLine, id);
  for (const File& file : files) {
    text += std::format("file {} {} {}\n", file.sizeBytes, toHex(file.sha256), file.name);
  }
  return text + "end\n";
}

Result<Manifest> Manifest::parse(std::string_view text) {
  Manifest manifest;
  if (takeUntil(text, '\n') != kFirstLine) return refuse("is of another version");
  const auto idLine = takeUntil(text, '\n');
  if (!idLine || !idLine->starts_with("id ") || !isCheckpointId(idLine->substr(3))) {
    return refuse("has no id");
  }
  manifest.id = idLine->substr(3);
  while (const auto line = takeUntil(text, '\n')) {
    if (*line == "end") {
      if (!text.empty() || manifest.files.empty()) return refuse("has no proper end");
      return manifest;
    }
    if (manifest.files.size() == kFileCountMax) return refuse("has too many files");
    ATOLL_TRY(File file, parseFile(*line));
    const bool isTwice = std::ranges::contains(manifest.files, file.name, &File::name);
    if (isTwice) return refuse("names a file twice");
    manifest.files.push_back(std::move(file));
  }
  return refuse("was cut off");
}

Result<> hashFile(const std::string& path, store::Sha256& sum) {
  std::ifstream file(path, std::ios::binary);
  std::string buffer(256 * 1024, '\0');
  while (file) {
    file.read(buffer.data(), static_cast<std::streamsize>(buffer.size()));
    sum.update(std::string_view(buffer).substr(0, static_cast<std::size_t>(file.gcount())));
  }
  if (!file.eof()) return fail(ErrorCode::Io, path + ": cannot be read");
  return {};
}

Result<std::string> hashFile(const std::string& path) {
  store::Sha256 sum;
  ATOLL_TRY_VOID(hashFile(path, sum));
  return sum.finish();
}

CheckpointSource::CheckpointSource(const store::Database& database, std::string directory)
    : database_(database), directory_(std::move(directory)) {
  std::error_code ignored;
  fs::remove_all(directory_, ignored);
}

Result<Manifest> CheckpointSource::offer(std::string_view wantedId) {
  const std::scoped_lock lock(mutex_);
  const MonotonicTime now = std::chrono::steady_clock::now();
  for (Kept& kept : kept_) {
    if (kept.manifest.id != wantedId && now - kept.madeAt > kFresh) continue;
    kept.usedAt = now;
    return kept.manifest;
  }
  Manifest manifest{.id = toHex(store::randomBytes(16)), .files = {}};
  const std::string path = directory_ + "/" + manifest.id;
  std::error_code error;
  fs::create_directories(directory_, error);
  ATOLL_TRY_VOID(database_.checkpoint(path));
  for (const fs::directory_entry& entry : fs::directory_iterator(path, error)) {
    const std::string name = entry.path().filename().string();
    ATOLL_TRY(std::string hash, hashFile(entry.path().string()));
    manifest.files.push_back(
        {.name = name, .sizeBytes = entry.file_size(error), .sha256 = std::move(hash)});
  }
  if (error) return fail(ErrorCode::Io, path + ": " + error.message());
  kept_.push_back({.manifest = manifest, .madeAt = now, .usedAt = now});
  return manifest;
}

Result<std::string> CheckpointSource::find(std::string_view id, std::string_view file) {
  const std::scoped_lock lock(mutex_);
  for (Kept& kept : kept_) {
    if (kept.manifest.id != id) continue;
    if (!std::ranges::contains(kept.manifest.files, file, &Manifest::File::name)) break;
    kept.usedAt = std::chrono::steady_clock::now();
    return directory_ + "/" + kept.manifest.id + "/" + std::string(file);
  }
  return fail(ErrorCode::NotFound, "there is no such file of a checkpoint");
}

void CheckpointSource::collect() {
  const std::scoped_lock lock(mutex_);
  const MonotonicTime now = std::chrono::steady_clock::now();
  std::erase_if(kept_, [&](const Kept& kept) {
    if (now - kept.usedAt < kUnused) return false;
    std::error_code ignored;
    fs::remove_all(directory_ + "/" + kept.manifest.id, ignored);
    return true;
  });
}

}  // namespace atolld::replication
