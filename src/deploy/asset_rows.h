#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "assets/site.h"
#include "base/clock.h"
#include "base/result.h"

/// Static files in the family "modules", beside the modules' own rows. As there, a content is
/// stored once under its hash and lives as long as something refers to it: a listing (all of a
/// version's files and how they answer, which versions refer to in turn), or an upload under way.
/// Every decoder is strict: only what its encoder makes. @error Corrupt
namespace atolld::deploy {

// 'a' hash, index -> a piece of a content; 'b' hash, then a reference -> nothing
std::string assetPieceKey(std::string_view rawHash, std::uint32_t index);
std::string assetReferenceKey(std::string_view rawHash, std::string_view reference);
/// What refers to a content.
std::string listingReference(std::string_view listingHash);  ///< In hex.
std::string uploadReference(std::string_view uploadKey);

// 'l' hash -> a listing; 'm' hash, then the key of a version that has it -> nothing
std::string listingKey(std::string_view listingHash);  ///< In hex.
std::string listingReferencePrefix(std::string_view listingHash);
std::string encodeListing(const assets::Files& files, const assets::Config& config);
struct Listing {
  assets::Files files;
  assets::Config config;
};
Result<Listing> decodeListing(std::string_view row);

// 'u' tenant NUL script NUL upload hash -> a content that a version may come to use
struct AssetUpload {
  std::string hash;  ///< Of the content, raw.
  std::string contentType;
  std::uint64_t sizeBytes = 0;
  UnixMillis expiresAt{};
};
std::string assetUploadKey(std::string_view tenant, std::string_view script,
                           std::string_view uploadHash);
std::string encodeAssetUpload(const AssetUpload& upload);
Result<AssetUpload> decodeAssetUpload(std::string_view row);

// 's' hash of the token -> an upload session
struct SessionRow {
  std::string tenant, script;
  UnixMillis expiresAt{};
  struct File {
    std::string path;
    assets::Asset asset;  ///< Without a hash: its content has to come.
  };
  std::vector<File> files;
};
std::string sessionKey(std::string_view token);
std::string encodeSession(const SessionRow& session);
/// @param withFiles  else the row's head alone
Result<SessionRow> decodeSession(std::string_view row, bool withFiles = true);

// 'x' time, then the key of a session or upload that is over by then, unless that says otherwise
// -> nothing: so that what is over is found without a look at what is not
inline constexpr std::string_view kExpiryPrefix = "x";
std::string expiryKey(UnixMillis time, std::string_view key);
struct Expiry {
  UnixMillis time{};
  std::string_view key;  ///< Borrowed from the row's key.
};
Expiry readExpiryKey(std::string_view rowKey);

}  // namespace atolld::deploy
