#pragma once

#include <set>
#include <string>
#include <string_view>

#include "assets/site.h"
#include "deploy/registry_rows.h"

/// What the operations of Registry write of static files (rows: asset_rows.h).
namespace atolld::deploy {

/// The site of a listing. @error Corrupt
Result<assets::Site> loadSite(const store::View& view, std::string_view listingHash);

/// Whether something refers to a content but `except`, whose members are references.
Result<bool> isAssetUsed(const store::View& view, std::string_view rawHash,
                         const std::set<std::string>& except = {});
/// Deletes a content's pieces.
Result<> stageForgetPieces(const store::View& view, std::string_view rawHash, store::Ops& ops);

/// Makes the listing of what `wanted` brings to `version`, and stages it if it is not stored.
/// @param before  the newest version's listing; may be empty
/// @return the listing's hash.  @error InvalidArgument, NotFound, Unauthorized
Result<std::string> stageAssets(const store::View& view, const Version& version,
                                const Upload::Assets& wanted, const std::string& before,
                                store::Ops& ops);
/// Makes a new version one of its listing's.
void stageAssetsReference(const Version& version, store::Ops& ops);

/// Deletes the references of the versions `owners` to `listings`, the listings that nobody else
/// refers to, and of their files those that nothing else refers to.
Result<> stageForgetAssets(const store::View& view, const std::set<std::string>& owners,
                           const std::set<std::string>& listings, store::Ops& ops);

}  // namespace atolld::deploy
