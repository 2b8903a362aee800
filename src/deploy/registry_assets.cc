// The part of Registry that takes static files in, before a version has them, and reads them.
#include <algorithm>
#include <format>
#include <map>

#include "base/encoding.h"
#include "deploy/asset_rows.h"
#include "deploy/asset_stage.h"
#include "deploy/registry.h"
#include "deploy/registry_rows.h"
#include "deploy/registry_stage.h"
#include "store/crypto.h"

namespace atolld::deploy {
namespace {

using store::Family;
using store::Ops;
using store::View;

constexpr std::chrono::hours kSessionLifetime{1};
constexpr std::size_t kSweepCountMax = 1000;  ///< In one commit.
constexpr std::string_view kSessionPrefix = "s";
constexpr std::size_t kTokenBytes = 32;
constexpr std::size_t kContentTypeBytesMax = 200;
// What is sent in one body: some files, base64 not counted.
constexpr std::size_t kBucketCountMax = 250;
constexpr std::uint64_t kBucketBytesMax = 16ull * 1024 * 1024;

Error noSession() {
  return {ErrorCode::Unauthorized,
          "the upload of static files is unknown or over: begin another one"};
}

bool isUploadHash(std::string_view hash) {
  constexpr std::size_t kDigitsMin = 16, kDigitsMax = 64;
  return hash.size() >= kDigitsMin && hash.size() <= kDigitsMax &&
         std::ranges::all_of(
             hash, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

Result<> checkFiles(const std::vector<AssetEntry>& files, const UploadLimits& limits) {
  if (files.size() > limits.assetCountMax) {
    return fail(ErrorCode::TooLarge, std::format("the project has {} static files: at most {} are "
                                                 "allowed",
                                                 files.size(), limits.assetCountMax));
  }
  assets::Files seen;
  for (const AssetEntry& file : files) {
    if (file.sizeBytes > limits.assetBytesMax) {
      return fail(ErrorCode::TooLarge,
                  std::format("static file {} has {} bytes: at most {} are allowed", file.path,
                              file.sizeBytes, limits.assetBytesMax));
    }
    if (!isUploadHash(file.uploadHash)) {
      return fail(
          ErrorCode::InvalidArgument,
          std::format("static file {}: its hash is not 16 to 64 lower-case hex digits", file.path));
    }
    if (!seen.emplace(file.path, assets::Asset{}).second) {
      return fail(ErrorCode::InvalidArgument,
                  std::format("static file {} is there twice", file.path));
    }
  }
  ATOLL_TRY_VOID(assets::Site::make(std::move(seen), {}));  // The paths are good ones.
  return {};
}

/// An upload that is over: its row, its reference, and later its content.
Result<> stageEndUpload(const View& view, std::string_view key, UnixMillis now,
                        std::map<std::string, std::set<std::string>>& going, Ops& ops) {
  ATOLL_TRY(const std::optional<std::string> row, view.get(Family::Modules, key));
  if (!row) return {};
  ATOLL_TRY(const AssetUpload upload, decodeAssetUpload(*row));
  if (upload.expiresAt > now) return {};  // Somebody came to want it for longer.
  stageDelete(ops, Family::Modules, std::string(key));
  stageDelete(ops, Family::Modules, assetReferenceKey(upload.hash, uploadReference(key)));
  going[upload.hash].insert(uploadReference(key));
  return {};
}

/// Deletes some of the sessions that are over and of the contents that nobody came to use.
Result<> stageSweep(const View& view, UnixMillis now, Ops& ops) {
  std::vector<std::string> due;
  ATOLL_TRY_VOID(
      view.scan(Family::Modules, kExpiryPrefix, "", [&](std::string_view key, std::string_view) {
        if (readExpiryKey(key).time > now) return false;
        due.emplace_back(key);
        return due.size() < kSweepCountMax;
      }));
  std::map<std::string, std::set<std::string>> going;  // References by content.
  for (const std::string& rowKey : due) {
    stageDelete(ops, Family::Modules, rowKey);
    const std::string_view key = readExpiryKey(rowKey).key;
    if (key.starts_with(kSessionPrefix)) {
      stageDelete(ops, Family::Modules, std::string(key));
    } else {
      ATOLL_TRY_VOID(stageEndUpload(view, key, now, going, ops));
    }
  }
  for (const auto& [hash, references] : going) {
    ATOLL_TRY(const bool isUsed, isAssetUsed(view, hash, references));
    if (!isUsed) ATOLL_TRY_VOID(stageForgetPieces(view, hash, ops));
  }
  return {};
}

void stageUpload(const std::string& key, const AssetUpload& upload, Ops& ops) {
  stagePut(ops, Family::Modules, key, encodeAssetUpload(upload));
  stagePut(ops, Family::Modules, expiryKey(upload.expiresAt, key), {});
}

/// The newest version's files, by what their uploader calls them.
Result<std::map<std::string, assets::Asset, std::less<>>> knownAssets(const View& view,
                                                                      std::string_view tenant,
                                                                      std::string_view script) {
  std::map<std::string, assets::Asset, std::less<>> known;
  ATOLL_TRY(const std::optional<ScriptRow> row, findScript(view, tenant, script));
  if (!row) return known;
  ATOLL_TRY(const std::optional<Manifest> newest, findNewest(view, tenant, script, *row));
  if (!newest || newest->version.assetsHash.empty()) return known;
  ATOLL_TRY(const assets::Site site, loadSite(view, newest->version.assetsHash));
  for (const auto& [path, asset] : site.files()) known.emplace(asset.uploadHash, asset);
  return known;
}

/// Fills in what is here already, which stays a while; collects what is not.
Result<std::map<std::string, std::uint64_t>> resolveFiles(const View& view, SessionRow& session,
                                                          Ops& ops) {
  ATOLL_TRY(const auto known, knownAssets(view, session.tenant, session.script));
  std::map<std::string, std::uint64_t> missing;
  std::set<std::string> prolonged;
  for (SessionRow::File& file : session.files) {
    assets::Asset& asset = file.asset;
    if (const auto found = known.find(asset.uploadHash);
        found != known.end() && found->second.sizeBytes == asset.sizeBytes) {
      asset.hash = found->second.hash;
      asset.contentType = found->second.contentType;
      continue;
    }
    const std::string key = assetUploadKey(session.tenant, session.script, asset.uploadHash);
    ATOLL_TRY(const std::optional<std::string> row, view.get(Family::Modules, key));
    if (!row) {
      missing[asset.uploadHash] = asset.sizeBytes;
      continue;
    }
    ATOLL_TRY(AssetUpload upload, decodeAssetUpload(*row));
    const bool isOver = upload.expiresAt <= session.expiresAt - kSessionLifetime;
    if (isOver || upload.sizeBytes != asset.sizeBytes) {
      missing[asset.uploadHash] = asset.sizeBytes;
      continue;
    }
    upload.expiresAt = session.expiresAt;
    if (prolonged.insert(key).second) {
      stageUpload(key, upload, ops);
    }
  }
  return missing;
}

std::vector<std::vector<std::string>> bucketsOf(
    const std::map<std::string, std::uint64_t>& missing) {
  std::vector<std::vector<std::string>> buckets;
  std::uint64_t bytes = 0;
  for (const auto& [hash, sizeBytes] : missing) {
    const bool isFull = !buckets.empty() && (buckets.back().size() >= kBucketCountMax ||
                                             bytes + sizeBytes > kBucketBytesMax);
    if (buckets.empty() || isFull) {
      buckets.emplace_back();
      bytes = 0;
    }
    buckets.back().push_back(hash);
    bytes += sizeBytes;
  }
  return buckets;
}

Result<SessionRow> requireSession(const View& view, std::string_view token, UnixMillis now,
                                  bool withFiles) {
  ATOLL_TRY(const auto row, view.get(Family::Modules, sessionKey(token)));
  if (!row) return std::unexpected(noSession());
  ATOLL_TRY(SessionRow session, decodeSession(*row, withFiles));
  if (session.expiresAt <= now) return std::unexpected(noSession());
  return session;
}

Result<> checkContentType(std::string_view contentType) {
  const bool isGood =
      contentType.size() <= kContentTypeBytesMax &&
      std::ranges::all_of(contentType, [](char c) { return c >= 0x20 && c < 0x7f; });
  if (isGood) return {};
  return fail(ErrorCode::InvalidArgument, "a static file's content type is none");
}

void stagePieces(std::string_view rawHash, const Bytes& content, Ops& ops) {
  std::uint32_t index = 0;
  for (std::size_t at = 0; at < content.size(); at += Registry::kAssetPieceBytes) {
    stagePut(ops, Family::Modules, assetPieceKey(rawHash, index++),
             content.slice(at, Registry::kAssetPieceBytes).toString());
  }
}

/// The same name came with another content before, which nobody is to find any more.
Result<> stageForgetUpload(const View& view, const std::string& key, std::string_view hash,
                           Ops& ops) {
  ATOLL_TRY(const std::optional<std::string> row, view.get(Family::Modules, key));
  if (!row) return {};
  ATOLL_TRY(const AssetUpload before, decodeAssetUpload(*row));
  if (before.hash == hash) return {};
  stageDelete(ops, Family::Modules, assetReferenceKey(before.hash, uploadReference(key)));
  ATOLL_TRY(const bool isUsed, isAssetUsed(view, before.hash, {uploadReference(key)}));
  return isUsed ? Result<>() : stageForgetPieces(view, before.hash, ops);
}

/// Whether every content of the session is here.
Result<bool> isComplete(const View& view, const SessionRow& session) {
  for (const SessionRow::File& file : session.files) {
    if (!file.asset.hash.empty()) continue;
    ATOLL_TRY(const auto row,
              view.get(Family::Modules,
                       assetUploadKey(session.tenant, session.script, file.asset.uploadHash)));
    if (!row) return false;
  }
  return true;
}

}  // namespace

Result<AssetSession> Registry::beginAssets(std::string_view tenant, std::string_view script,
                                           std::vector<AssetEntry> files) {
  ATOLL_TRY_VOID(checkNames(tenant, script));
  ATOLL_TRY_VOID(checkFiles(files, limits_));
  const UnixMillis now = clock_.now();
  AssetSession made{.token = toHex(store::randomBytes(kTokenBytes)),
                    .buckets = {},
                    .expiresAt = now + kSessionLifetime};
  SessionRow wanted{.tenant = std::string(tenant),
                    .script = std::string(script),
                    .expiresAt = made.expiresAt,
                    .files = {}};
  for (AssetEntry& file : files) {
    assets::Asset asset;
    asset.sizeBytes = file.sizeBytes;
    asset.uploadHash = std::move(file.uploadHash);
    wanted.files.push_back({std::move(file.path), std::move(asset)});
  }
  const auto decide = [&](const View& view) -> Result<Ops> {
    Ops ops;
    ATOLL_TRY_VOID(stageSweep(view, now, ops));
    SessionRow session = wanted;
    ATOLL_TRY(const auto missing, resolveFiles(view, session, ops));
    made.buckets = bucketsOf(missing);
    const std::string key = sessionKey(made.token);
    stagePut(ops, Family::Modules, key, encodeSession(session));
    stagePut(ops, Family::Modules, expiryKey(made.expiresAt, key), {});
    return ops;
  };
  ATOLL_TRY_VOID(database_.commit(decide));
  return made;
}

Result<Registry::AssetOwner> Registry::assetOwner(std::string_view session) const {
  ATOLL_TRY(SessionRow row, requireSession(*database_.view(), session, clock_.now(),
                                           /*withFiles=*/false));
  return AssetOwner{std::move(row.tenant), std::move(row.script)};
}

Result<bool> Registry::putAssets(std::string_view session, std::vector<AssetContent> contents) {
  const UnixMillis now = clock_.now();
  ATOLL_TRY(const SessionRow row,
            requireSession(*database_.view(), session, now, /*withFiles=*/true));
  std::map<std::string_view, std::uint64_t> sizes;
  for (const SessionRow::File& file : row.files) {
    sizes.emplace(file.asset.uploadHash, file.asset.sizeBytes);
  }
  std::vector<AssetUpload> uploads;
  for (const AssetContent& content : contents) {
    ATOLL_TRY_VOID(checkContentType(content.contentType));
    const auto size = sizes.find(content.uploadHash);
    if (size == sizes.end() || size->second != content.content.size()) {
      return fail(
          ErrorCode::InvalidArgument,
          std::format("static file {} is not what the upload was begun with: {}",
                      isUploadHash(content.uploadHash) ? content.uploadHash : "…",
                      size == sizes.end() ? "it was not named" : "it has another number of bytes"));
    }
    uploads.push_back({.hash = store::sha256(content.content.view()),
                       .contentType = content.contentType,
                       .sizeBytes = content.content.size(),
                       .expiresAt = row.expiresAt});
  }
  const auto decide = [&](const View& view) -> Result<Ops> {
    Ops ops;
    std::set<std::string> stored;
    for (std::size_t i = 0; i < contents.size(); ++i) {
      const std::string key = assetUploadKey(row.tenant, row.script, contents[i].uploadHash);
      ATOLL_TRY(const bool isStored, isAssetUsed(view, uploads[i].hash));
      const bool isNew = stored.insert(uploads[i].hash).second;
      ATOLL_TRY_VOID(stageForgetUpload(view, key, uploads[i].hash, ops));
      if (!isStored && isNew) stagePieces(uploads[i].hash, contents[i].content, ops);
      stageUpload(key, uploads[i], ops);
      stagePut(ops, Family::Modules, assetReferenceKey(uploads[i].hash, uploadReference(key)), {});
    }
    return ops;
  };
  ATOLL_TRY_VOID(database_.commit(decide));
  return isComplete(*database_.view(), row);
}

Result<Bytes> Registry::assetPiece(std::string_view hash, std::uint32_t index) const {
  ATOLL_TRY(std::optional<std::string> piece,
            database_.get(Family::Modules, assetPieceKey(hash, index)));
  if (!piece) return fail(ErrorCode::Corrupt, "a static file's content is missing in the store");
  return Bytes(*std::move(piece));
}

}  // namespace atolld::deploy
