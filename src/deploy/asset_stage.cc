#include "deploy/asset_stage.h"

#include <algorithm>
#include <format>
#include <optional>

#include "base/encoding.h"
#include "deploy/asset_rows.h"
#include "store/crypto.h"

namespace atolld::deploy {

using store::Family;
using store::Ops;
using store::View;

namespace {

Result<Listing> readListing(const View& view, std::string_view hash) {
  ATOLL_TRY(const std::optional<std::string> row, view.get(Family::Modules, listingKey(hash)));
  if (!row || toHex(store::sha256(*row)) != hash) {
    return fail(ErrorCode::Corrupt, std::format("the listing of static files is {} in the store",
                                                row ? "not what its hash says" : "missing"));
  }
  return decodeListing(*row);
}

Result<bool> isListingUsed(const View& view, std::string_view hash,
                           const std::set<std::string>& except) {
  const std::string prefix = listingReferencePrefix(hash);
  bool isUsed = false;
  ATOLL_TRY_VOID(
      view.scan(Family::Modules, prefix, "", [&](std::string_view key, std::string_view) {
        isUsed = !except.contains(std::string(key.substr(prefix.size())));
        return !isUsed;
      }));
  return isUsed;
}

Result<Listing> listingOfSession(const View& view, const Version& version,
                                 const Upload::Assets& wanted) {
  ATOLL_TRY(const std::optional<std::string> row,
            view.get(Family::Modules, sessionKey(wanted.session)));
  std::optional<SessionRow> session;
  if (row) {
    ATOLL_TRY(session, decodeSession(*row));
  }
  const bool isGood = session && session->tenant == version.tenant &&
                      session->script == version.script && session->expiresAt > version.createdAt;
  if (!isGood) {
    return fail(ErrorCode::InvalidArgument,
                "the upload of static files is unknown or over: upload them again");
  }
  Listing listing{.files = {}, .config = wanted.config};
  std::size_t missingCount = 0;
  for (SessionRow::File& file : session->files) {
    assets::Asset& asset = file.asset;
    if (asset.hash.empty()) {
      ATOLL_TRY(const auto stored,
                view.get(Family::Modules,
                         assetUploadKey(version.tenant, version.script, asset.uploadHash)));
      if (stored) {
        ATOLL_TRY(AssetUpload upload, decodeAssetUpload(*stored));
        asset.hash = std::move(upload.hash);
        asset.contentType = std::move(upload.contentType);
      }
    } else {
      // Of an earlier version, which may have gone meanwhile.
      ATOLL_TRY(const bool isStored, isAssetUsed(view, asset.hash));
      if (!isStored) asset.hash.clear();
    }
    if (asset.hash.empty()) ++missingCount;
    listing.files.emplace(std::move(file.path), std::move(asset));
  }
  if (missingCount == 0) return listing;
  return fail(ErrorCode::InvalidArgument,
              std::format("{} of the static files have not been uploaded: upload them first",
                          missingCount));
}

void addAnswersOfVersion(const Version& version, assets::Config& config) {
  // https://developers.cloudflare.com/workers/configuration/compatibility-flags/
  constexpr std::string_view kSince = "2025-04-01";
  const auto hasFlag = [&](std::string_view flag) {
    return std::ranges::contains(version.compatibilityFlags, flag);
  };
  config.hasScript = !version.mainModule.empty();
  config.navigatesToFiles =
      !hasFlag("assets_navigation_has_no_effect") &&
      (version.compatibilityDate >= kSince || hasFlag("assets_navigation_prefers_asset_serving"));
}

}  // namespace

Result<assets::Site> loadSite(const View& view, std::string_view listingHash) {
  ATOLL_TRY(Listing listing, readListing(view, listingHash));
  auto site = assets::Site::make(std::move(listing.files), std::move(listing.config));
  if (!site) return fail(ErrorCode::Corrupt, "a listing of static files: " + site.error().detail);
  return site;
}

Result<bool> isAssetUsed(const View& view, std::string_view rawHash,
                         const std::set<std::string>& except) {
  const std::string prefix = assetReferenceKey(rawHash, "");
  bool isUsed = false;
  ATOLL_TRY_VOID(
      view.scan(Family::Modules, prefix, "", [&](std::string_view key, std::string_view) {
        isUsed = !except.contains(std::string(key.substr(prefix.size())));
        return !isUsed;
      }));
  return isUsed;
}

Result<> stageForgetPieces(const View& view, std::string_view rawHash, Ops& ops) {
  std::string prefix = assetPieceKey(rawHash, 0);
  prefix.resize(prefix.size() - sizeof(std::uint32_t));
  return view.scan(Family::Modules, prefix, "", [&](std::string_view key, std::string_view) {
    stageDelete(ops, Family::Modules, std::string(key));
    return true;
  });
}

Result<std::string> stageAssets(const View& view, const Version& version,
                                const Upload::Assets& wanted, const std::string& before, Ops& ops) {
  Listing listing;
  if (!wanted.session.empty()) {
    ATOLL_TRY(listing, listingOfSession(view, version, wanted));
  } else if (before.empty()) {
    return fail(ErrorCode::NotFound, "the version before has no static files to keep");
  } else {
    ATOLL_TRY(listing, readListing(view, before));
  }
  addAnswersOfVersion(version, listing.config);
  const std::string row = encodeListing(listing.files, listing.config);
  ATOLL_TRY(const assets::Site site,
            assets::Site::make(std::move(listing.files), std::move(listing.config)));
  const std::string hash = toHex(store::sha256(row));
  ATOLL_TRY(const bool isStored, isListingUsed(view, hash, {}));
  if (isStored) return hash;
  stagePut(ops, Family::Modules, listingKey(hash), row);
  std::set<std::string_view> staged;
  for (const auto& [path, asset] : site.files()) {
    if (!staged.insert(asset.hash).second) continue;
    stagePut(ops, Family::Modules, assetReferenceKey(asset.hash, listingReference(hash)), {});
  }
  return hash;
}

void stageAssetsReference(const Version& version, Ops& ops) {
  if (version.assetsHash.empty()) return;
  stagePut(ops, Family::Modules,
           listingReferencePrefix(version.assetsHash) +
               versionKey(version.tenant, version.script, version.id),
           {});
}

Result<> stageForgetAssets(const View& view, const std::set<std::string>& owners,
                           const std::set<std::string>& listings, Ops& ops) {
  std::set<std::string> goneReferences;
  std::set<std::string> hashes;
  for (const std::string& listingHash : listings) {
    const std::string prefix = listingReferencePrefix(listingHash);
    ATOLL_TRY_VOID(forEachRow(view, Family::Modules, prefix,
                              [&](std::string_view owner, std::string_view) -> Result<> {
                                if (owners.contains(std::string(owner))) {
                                  stageDelete(ops, Family::Modules, prefix + std::string(owner));
                                }
                                return {};
                              }));
    ATOLL_TRY(const bool isUsed, isListingUsed(view, listingHash, owners));
    if (isUsed) continue;
    ATOLL_TRY(const Listing listing, readListing(view, listingHash));
    stageDelete(ops, Family::Modules, listingKey(listingHash));
    const std::string reference = listingReference(listingHash);
    goneReferences.insert(reference);
    std::set<std::string_view> seen;
    for (const auto& [path, asset] : listing.files) {
      if (!seen.insert(asset.hash).second) continue;
      hashes.insert(asset.hash);
      stageDelete(ops, Family::Modules, assetReferenceKey(asset.hash, reference));
    }
  }
  for (const std::string& hash : hashes) {
    ATOLL_TRY(const bool isUsed, isAssetUsed(view, hash, goneReferences));
    if (!isUsed) ATOLL_TRY_VOID(stageForgetPieces(view, hash, ops));
  }
  return {};
}

}  // namespace atolld::deploy
