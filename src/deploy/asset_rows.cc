#include "deploy/asset_rows.h"

#include "base/encoding.h"
#include "deploy/rows.h"
#include "store/codec.h"
#include "store/crypto.h"

namespace atolld::deploy {
namespace {

using store::Decoder;
using store::Encoder;
using store::kHashBytes;

constexpr std::uint8_t kVersion = 1;
constexpr std::size_t kFileBytesMin = 4 + 4 + 4 + 8 + 4;

std::int64_t millis(UnixMillis time) { return time.time_since_epoch().count(); }
UnixMillis timeOf(std::int64_t value) { return UnixMillis(std::chrono::milliseconds(value)); }

void checkVersion(Decoder& in) {
  if (in.u8() != kVersion) in.reject("has an unknown format version");
}

std::uint8_t takeChoice(Decoder& in, std::uint8_t last) {
  const std::uint8_t choice = in.u8();
  if (choice > last) in.reject("has an unknown choice");
  return choice;
}

void encodeFile(Encoder& out, std::string_view path, const assets::Asset& asset) {
  out.bytes(path).bytes(asset.hash).bytes(asset.contentType).u64(asset.sizeBytes);
  out.bytes(asset.uploadHash);
}

assets::Asset decodeFile(Decoder& in, std::string& path) {
  assets::Asset asset;
  path = in.bytes();
  asset.hash = in.bytes();
  asset.contentType = in.bytes();
  asset.sizeBytes = in.u64();
  asset.uploadHash = in.bytes();
  return asset;
}

}  // namespace

std::string assetPieceKey(std::string_view rawHash, std::uint32_t index) {
  return Encoder().raw("a").raw(rawHash).u32(index).take();
}

std::string assetReferenceKey(std::string_view rawHash, std::string_view reference) {
  return "b" + std::string(rawHash) + std::string(reference);
}

std::string listingReference(std::string_view listingHash) {
  return "l" + parseHex(listingHash).value();
}

std::string uploadReference(std::string_view uploadKey) { return std::string(uploadKey); }

std::string listingKey(std::string_view listingHash) { return "l" + parseHex(listingHash).value(); }

std::string listingReferencePrefix(std::string_view listingHash) {
  return "m" + parseHex(listingHash).value();
}

std::string encodeListing(const assets::Files& files, const assets::Config& config) {
  Encoder out;
  out.u8(kVersion).u8(static_cast<std::uint8_t>(config.html));
  out.u8(static_cast<std::uint8_t>(config.notFound)).u8(config.hasScript ? 1 : 0);
  out.u8(config.isScriptFirst ? 1 : 0).u8(config.navigatesToFiles ? 1 : 0);
  out.u32(static_cast<std::uint32_t>(config.scriptFirst.size()));
  for (const std::string& rule : config.scriptFirst) out.bytes(rule);
  out.bytes(config.redirects).bytes(config.headers);
  out.u32(static_cast<std::uint32_t>(files.size()));
  for (const auto& [path, asset] : files) encodeFile(out, path, asset);
  return out.take();
}

Result<Listing> decodeListing(std::string_view row) {
  Decoder in(row);
  checkVersion(in);
  Listing listing;
  assets::Config& config = listing.config;
  config.html = static_cast<assets::HtmlHandling>(
      takeChoice(in, static_cast<std::uint8_t>(assets::HtmlHandling::None)));
  config.notFound = static_cast<assets::NotFoundHandling>(
      takeChoice(in, static_cast<std::uint8_t>(assets::NotFoundHandling::Page404)));
  config.hasScript = takeChoice(in, 1) == 1;
  config.isScriptFirst = takeChoice(in, 1) == 1;
  config.navigatesToFiles = takeChoice(in, 1) == 1;
  for (std::uint32_t left = in.count(4); left > 0 && in.ok(); --left) {
    config.scriptFirst.emplace_back(in.bytes());
  }
  config.redirects = in.bytes();
  config.headers = in.bytes();
  std::string last;
  for (std::uint32_t left = in.count(kFileBytesMin); left > 0 && in.ok(); --left) {
    std::string path;
    assets::Asset asset = decodeFile(in, path);
    if (asset.hash.size() != kHashBytes) in.reject("has a file without a hash");
    if (!listing.files.empty() && path <= last) in.reject("has files out of order");
    last = path;
    listing.files.emplace_hint(listing.files.end(), std::move(path), std::move(asset));
  }
  ATOLL_TRY_VOID(in.finish("static file listing"));
  return listing;
}

std::string assetUploadKey(std::string_view tenant, std::string_view script,
                           std::string_view uploadHash) {
  return "u" + scriptKey(tenant, script) + '\0' + std::string(uploadHash);
}

std::string encodeAssetUpload(const AssetUpload& upload) {
  return Encoder()
      .u8(kVersion)
      .raw(upload.hash)
      .bytes(upload.contentType)
      .u64(upload.sizeBytes)
      .i64(millis(upload.expiresAt))
      .take();
}

Result<AssetUpload> decodeAssetUpload(std::string_view row) {
  Decoder in(row);
  checkVersion(in);
  AssetUpload upload;
  upload.hash = in.raw(kHashBytes);
  upload.contentType = in.bytes();
  upload.sizeBytes = in.u64();
  upload.expiresAt = timeOf(in.i64());
  ATOLL_TRY_VOID(in.finish("asset upload row"));
  return upload;
}

std::string sessionKey(std::string_view token) { return "s" + store::sha256(token); }

std::string encodeSession(const SessionRow& session) {
  Encoder out;
  out.u8(kVersion).bytes(session.tenant).bytes(session.script).i64(millis(session.expiresAt));
  out.u32(static_cast<std::uint32_t>(session.files.size()));
  for (const SessionRow::File& file : session.files) encodeFile(out, file.path, file.asset);
  return out.take();
}

Result<SessionRow> decodeSession(std::string_view row, bool withFiles) {
  Decoder in(row);
  checkVersion(in);
  SessionRow session;
  session.tenant = in.bytes();
  session.script = in.bytes();
  session.expiresAt = timeOf(in.i64());
  const std::uint32_t count = in.count(kFileBytesMin);
  if (!withFiles) {
    (void)in.rest();
  } else {
    for (std::uint32_t left = count; left > 0 && in.ok(); --left) {
      SessionRow::File file;
      file.asset = decodeFile(in, file.path);
      const std::size_t hashBytes = file.asset.hash.size();
      if (hashBytes != 0 && hashBytes != kHashBytes) in.reject("has a file with half a hash");
      session.files.push_back(std::move(file));
    }
  }
  ATOLL_TRY_VOID(in.finish("asset session row"));
  return session;
}

std::string expiryKey(UnixMillis time, std::string_view key) {
  return Encoder().raw(kExpiryPrefix).i64(millis(time)).raw(key).take();
}

Expiry readExpiryKey(std::string_view rowKey) {
  Decoder in(rowKey.substr(kExpiryPrefix.size()));
  const UnixMillis time = timeOf(in.i64());
  return {time, in.rest()};
}

}  // namespace atolld::deploy
