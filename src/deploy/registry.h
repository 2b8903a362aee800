#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "assets/site.h"
#include "base/clock.h"
#include "base/result.h"
#include "deploy/deployment.h"
#include "store/cluster_key.h"
#include "store/database.h"

namespace atolld::deploy {

struct Manifest;  // deploy/rows.h

/// What a developer uploads; validated by Registry::upload, not before.
struct Upload {
  std::string mainModule;
  std::vector<Module> modules;  ///< `hash` is filled in by the registry.
  std::vector<Binding> bindings;
  std::string compatibilityDate;
  std::vector<std::string> compatibilityFlags;
  std::string message;
  std::string tag;

  /// A binding of the script's newest version under the same or, with `from`, another name.
  struct Inherited {
    std::string name, from;
  };
  std::vector<Inherited> inherited;  ///< What the newest version lacks is refused.
  /// Types (bindingTypeName()) of bindings that stay as the newest version has them, unless this
  /// upload brings one of their name.
  std::vector<std::string> keptTypes;

  /// Static files: those of an upload session, or the newest version's.
  struct Assets {
    std::string session;    ///< Empty: the newest version's are kept, and its config.
    assets::Config config;  ///< What of it the script and its date say is filled in here.
  };
  std::optional<Assets> assets;
};

/// A static file that a version is to have.
struct AssetEntry {
  std::string path;        ///< Begins with "/".
  std::string uploadHash;  ///< What its uploader calls the content: hex digits.
  std::uint64_t sizeBytes = 0;
};
/// Static files on their way in; good for an hour.
struct AssetSession {
  std::string token;                              ///< Whoever has it may upload: a secret.
  std::vector<std::vector<std::string>> buckets;  ///< Upload hashes to be sent, in bodies of that.
  UnixMillis expiresAt{};
};
struct AssetContent {
  std::string uploadHash;
  std::string contentType;  ///< As it will be sent; empty: not said.
  Bytes content;
};

struct VersionSummary {
  std::string id;
  std::uint64_t number = 0;
  UnixMillis createdAt{};
  std::string message;
  std::string tag;
  std::uint64_t sizeBytes = 0;
};

struct KvNamespace {
  std::string id;  ///< 32 hex digits.
  std::string tenant;
  std::string title;
};

/// Documented limits of an upload (edge-config gives unit and reason).
struct UploadLimits {
  std::uint64_t scriptBytesMax = 64ull * 1024 * 1024;  ///< All modules, uncompressed.
  std::size_t moduleCountMax = 1000;
  std::size_t bindingCountMax = 128;
  std::size_t bindingBytesMax = 5 * 1024;
  std::size_t assetCountMax = 20'000;
  std::uint64_t assetBytesMax = 25ull * 1024 * 1024;
};

/// Versions, deployments and routes of every tenant: each change is one log entry, each read is
/// local. Blocks on disk: storage threads only, any number of them.
class Registry {
 public:
  /// All borrowed for the registry's life.
  ///
  /// @param key  null: this node keeps no secrets, and says so to whoever brings one.
  Registry(store::Database& database, const Clock& clock, UploadLimits limits = {},
           const store::ClusterKey* key = nullptr);

  /// Validates and stores a version without deploying it. The same content again gives the version
  /// that is there. Modules already stored are not stored again.
  /// @error InvalidArgument, TooLarge, NotFound (a KV namespace or script that is not
  /// the tenant's)
  Result<VersionSummary> upload(std::string_view tenant, std::string_view script, Upload upload);
  /// upload(), and makes the version the script's deployment in the same log entry.
  struct Deployed {
    VersionSummary version;
    Deployment deployment;
  };
  Result<Deployed> deploy(std::string_view tenant, std::string_view script, Upload upload);
  /// The bindings that `upload` would have, inherited ones too and secrets open: what its top level
  /// sees when it is tried before. @error as upload()
  Result<std::vector<Binding>> bindingsOf(std::string_view tenant, std::string_view script,
                                          Upload upload) const;

  /// A new value for each name, or none: the secret goes.
  using SecretChanges = std::map<std::string, std::optional<std::string>>;
  /// Makes a version that differs from the script's newest one by its secrets; with `isDeployed` it
  /// answers at once, which the newest must have done so far.
  /// @error NotFound (script, or a secret to remove), AlreadyExists (another kind of binding has
  /// the name), Aborted (the newest version is not what answers), InvalidArgument, TooLarge
  Result<VersionSummary> changeSecrets(std::string_view tenant, std::string_view script,
                                       const SecretChanges& changes, bool isDeployed,
                                       std::string message);

  /// Begins an upload of static files for a version of the script: what of them is not here has to
  /// come. @error InvalidArgument, TooLarge
  Result<AssetSession> beginAssets(std::string_view tenant, std::string_view script,
                                   std::vector<AssetEntry> files);
  struct AssetOwner {
    std::string tenant, script;
  };
  /// Whose upload it is. @error Unauthorized
  Result<AssetOwner> assetOwner(std::string_view session) const;
  /// Stores contents that the session asked for; true when all of them are here. What is stored
  /// and not used by a version goes when the session is over and another begins.
  /// @error Unauthorized, InvalidArgument, TooLarge
  Result<bool> putAssets(std::string_view session, std::vector<AssetContent> contents);
  /// A piece of a static file: the bytes from `index` * kAssetPieceBytes on.
  /// @param hash  Asset::hash  @error Corrupt  it is missing
  Result<Bytes> assetPiece(std::string_view hash, std::uint32_t index) const;
  static constexpr std::size_t kAssetPieceBytes = 256 * 1024;

  /// Makes `shares` the script's deployment, atomically.
  /// @error NotFound (a version), InvalidArgument (percents)
  Result<Deployment> activate(std::string_view tenant, std::string_view script,
                              std::vector<Deployment::Share> shares, std::string message);
  /// Deploys the version that was deployed before the current one (or `versionId`).
  Result<Deployment> rollback(std::string_view tenant, std::string_view script,
                              std::optional<std::string> versionId, std::string message);
  /// Deletes a script with its versions, deployments and routes.
  Result<> remove(std::string_view tenant, std::string_view script);

  Result<std::vector<std::string>> scripts(std::string_view tenant) const;
  Result<std::vector<VersionSummary>> versions(std::string_view tenant,
                                               std::string_view script) const;  ///< Newest first.
  Result<std::vector<Deployment>> deployments(std::string_view tenant,
                                              std::string_view script) const;  ///< Newest first.
  Result<std::optional<Deployment>> deployment(std::string_view tenant,
                                               std::string_view script) const;
  /// Without module contents, secrets sealed. `versionId` may be its first 32 digits or more, or
  /// empty for the newest. @error NotFound, Corrupt
  Result<Version> describe(std::string_view tenant, std::string_view script,
                           std::string_view versionId) const;
  /// With module contents and open secrets. @error NotFound, Corrupt, Unavailable (no key)
  Result<std::shared_ptr<const Version>> version(std::string_view tenant, std::string_view script,
                                                 std::string_view versionId) const;
  /// The same, if it is small and all of it is in memory; null: ask a storage thread. Any thread,
  /// loop threads included.
  std::shared_ptr<const Version> tryVersion(std::string_view tenant, std::string_view script,
                                            std::string_view versionId) const;

  /// Of a module that is not held: a version's source map. @error Corrupt
  Result<Bytes> moduleContent(const Module& module) const;

  /// @error InvalidArgument (pattern), AlreadyExists (another script has it), NotFound (script)
  Result<Route> addRoute(std::string_view tenant, std::string_view script,
                         std::string_view pattern);
  /// Makes `patterns` the script's routes of this kind, in one log entry: its others of the kind
  /// go, those of the other kind stay. @error as addRoute()
  enum class RouteKind : std::uint8_t { Plain, CustomDomain };
  Result<> setRoutes(std::string_view tenant, std::string_view script,
                     const std::vector<std::string>& patterns, RouteKind kind);
  Result<> removeRoute(std::string_view tenant, std::string_view pattern);
  Result<std::vector<Route>> routes(std::string_view tenant) const;

  Result<KvNamespace> createKvNamespace(std::string_view tenant, std::string_view title);
  /// @error NotFound, AlreadyExists (the title), InvalidArgument
  Result<KvNamespace> renameKvNamespace(std::string_view tenant, std::string_view id,
                                        std::string_view title);
  Result<> removeKvNamespace(std::string_view tenant, std::string_view id);
  Result<std::vector<KvNamespace>> kvNamespaces(std::string_view tenant) const;

  /// Removes all scripts and KV namespaces of a tenant, an entry or more for each.
  Result<> removeAllOf(std::string_view tenant);
  /// For the proposal that removes the tenant itself.
  static Result<bool> ownsNothing(const store::View& view, std::string_view tenant);

  /// Everything a gateway needs for its table, from one consistent view.
  struct Listing {
    std::uint64_t logIndex = 0;
    std::vector<Deployment> deployments;
    std::vector<Route> routes;
  };
  Result<Listing> list() const;
  /// What such rows say now, after a commit that changed them; nothing: not (any more) there.
  struct Delta {
    struct Script {
      std::string tenant, script;
      std::optional<Deployment> deployment;
    };
    struct Pattern {
      std::string pattern;
      std::optional<Route> route;
    };
    std::uint64_t logIndex = 0;
    std::vector<Script> scripts;
    std::vector<Pattern> routes;
  };
  Result<Delta> listChanged(const store::Changes& changes) const;

 private:
  Result<std::shared_ptr<const Version>> complete(const store::View& view, Manifest manifest) const;

  store::Database& database_;
  const Clock& clock_;
  UploadLimits limits_;
  const store::ClusterKey* key_;
};

/// "*.example.com/api/*" -> canonical form. @error InvalidArgument says what is wrong where.
Result<std::string> canonicalRoutePattern(std::string_view pattern);
/// Script and tenant names: 1-63 of [a-z0-9-], not at either end a '-'.
Result<> checkScriptName(std::string_view name);

}  // namespace atolld::deploy
