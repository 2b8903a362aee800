#include "control/assets_api.h"

#include <nlohmann/json.hpp>

#include "base/encoding.h"
#include "control/api.h"
#include "control/multipart.h"
#include "control/wrangler.h"

namespace atolld::control {
namespace {

constexpr std::string_view kWhat = "the body";

/// Of a JSON Web Token's parts: base64url, without padding.
std::string base64Url(std::string_view bytes) {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::string out;
  std::uint32_t bits = 0;
  int count = 0;
  for (const char c : bytes) {
    bits = bits << 8 | static_cast<unsigned char>(c);
    for (count += 8; count >= 6; count -= 6) out += kDigits[bits >> (count - 6) & 63];
  }
  if (count > 0) out += kDigits[bits << (6 - count) & 63];
  return out;
}

std::string clientTokenOf(const std::string& session, UnixMillis expiresAt) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(expiresAt).time_since_epoch();
  const Json payload = {{"exp", seconds.count()}};
  return base64Url(R"({"alg":"none","typ":"JWT"})") + "." + base64Url(writeJson(payload)) + "." +
         session;
}

Result<std::vector<deploy::AssetEntry>> readManifest(const Call& call) {
  ATOLL_TRY(const Json body, parseJsonObject(call.body.view(), kWhat, {"manifest"}));
  const auto manifest = body.find("manifest");
  if (manifest == body.end() || !manifest->is_object()) {
    return fail(ErrorCode::InvalidArgument,
                R"(the body: "manifest" is {"/path": {"hash": "…", "size": 1}, …})");
  }
  std::vector<deploy::AssetEntry> files;
  for (const auto& [path, file] : manifest->items()) {
    ATOLL_TRY(std::string hash, requireString(file, "hash", "a member of \"manifest\""));
    const auto size = file.find("size");
    if (size == file.end() || !size->is_number_unsigned()) {
      return fail(ErrorCode::InvalidArgument,
                  "a member of \"manifest\": \"size\" is no number of bytes");
    }
    files.push_back({path, std::move(hash), size->get<std::uint64_t>()});
  }
  return files;
}

Result<Json> beginSession(const Services& services, const Call& call) {
  ATOLL_TRY(std::vector<deploy::AssetEntry> files, readManifest(call));
  ATOLL_TRY(
      const deploy::AssetSession session,
      services.registry.beginAssets(call.identity.tenant, call.parameters[0], std::move(files)));
  return Json{{"jwt", clientTokenOf(session.token, session.expiresAt)},
              {"buckets", session.buckets}};
}

// Text is UTF-8, as it mostly is; a form's reader drops what a part says of it.
std::string contentTypeOf(const FormPart& part) {
  if (part.contentType == "application/null") return {};
  return part.contentType + (part.contentType.starts_with("text/") ? "; charset=utf-8" : "");
}

/// Contents as parts of a form, each named by its upload hash.
Result<bool> putContents(const Services& services, const Call& call) {
  const bool isBase64 = call.query.find("base64") == "true";
  ATOLL_TRY(const std::vector<FormPart> parts, parseMultipart(call.contentType, call.body));
  std::vector<deploy::AssetContent> contents;
  for (const FormPart& part : parts) {
    Bytes content = part.content;
    if (isBase64) {
      auto decoded = parseBase64(part.content.view());
      if (!decoded) {
        return fail(ErrorCode::InvalidArgument, "part \"" + part.name + "\" is no base64");
      }
      content = Bytes(*std::move(decoded));
    }
    contents.push_back({part.name, contentTypeOf(part), std::move(content)});
  }
  return services.registry.putAssets(call.identity.assetSession, std::move(contents));
}

Result<Answer> postSession(const Services& services, const Call& call) {
  ATOLL_TRY(const Json session, beginSession(services, call));
  return answerJson(session, 201);
}

Result<Answer> postContents(const Services& services, const Call& call) {
  ATOLL_TRY(const bool isComplete, putContents(services, call));
  return answerJson({{"complete", isComplete}});
}

Result<Answer> postWranglerSession(const Services& services, const Call& call) {
  ATOLL_TRY(const Json session, beginSession(services, call));
  return wrangler::answer(session);
}

// The token says that all is here: wrangler sends it back with the version.
Result<Answer> postWranglerContents(const Services& services, const Call& call) {
  ATOLL_TRY(const bool isComplete, putContents(services, call));
  if (!isComplete) return wrangler::answer(Json::object());
  return wrangler::answer(
      {{"jwt", clientTokenOf(call.identity.assetSession, services.clock.now())}});
}

constexpr Route kRoutes[] = {
    {"POST", "/api/v1/scripts/:script/assets", Access::Write, BodyLimit::Upload, postSession},
    {"POST", "/api/v1/assets", Access::AssetSession, BodyLimit::Upload, postContents},
};

constexpr Route kWranglerRoutes[] = {
    {"POST", "/client/v4/accounts/:account/workers/scripts/:script/assets-upload-session",
     Access::Write, BodyLimit::Upload, postWranglerSession},
    {"POST", "/client/v4/accounts/:account/workers/assets/upload", Access::AssetSession,
     BodyLimit::Upload, postWranglerContents},
};

}  // namespace

std::string sessionOf(std::string_view clientToken) {
  return std::string(clientToken.substr(clientToken.rfind('.') + 1));
}

Result<Identity> authorizeAssets(const deploy::Registry& registry, std::string_view authorization) {
  constexpr std::string_view kBearer = "Bearer ";
  std::string session;
  if (authorization.starts_with(kBearer)) session = sessionOf(authorization.substr(kBearer.size()));
  ATOLL_TRY(deploy::Registry::AssetOwner owner, registry.assetOwner(session));
  return Identity{.tenant = std::move(owner.tenant),
                  .tokenId = "assets",
                  .role = store::Role::Viewer,
                  .assetSession = std::move(session)};
}

std::span<const Route> assetRoutes() { return kRoutes; }
std::span<const Route> wranglerAssetRoutes() { return kWranglerRoutes; }

}  // namespace atolld::control
