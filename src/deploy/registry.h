#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "deploy/deployment.h"
#include "store/database.h"

namespace atolld::deploy {

/// What a developer uploads; validated by Registry::upload, not before.
struct Upload {
  std::string mainModule;
  std::vector<Module> modules;  ///< `hash` is filled in by the registry.
  std::vector<Binding> bindings;
  std::string compatibilityDate;
  std::vector<std::string> compatibilityFlags;
  std::string message;
};

struct VersionSummary {
  std::string id;
  std::uint64_t number = 0;
  UnixMillis createdAt{};
  std::string message;
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
};

/// Versions, deployments and routes of every tenant: each change is one log entry, each read is
/// local. Blocks on disk: storage threads only, any number of them.
class Registry {
 public:
  /// All borrowed for the registry's life.
  Registry(store::Database& database, const Clock& clock, UploadLimits limits = {});

  /// Validates and stores a version without deploying it. The same content again gives the version
  /// that is there. Modules already stored are not stored again.
  /// @error InvalidArgument, TooLarge, NotFound (a KV namespace or script that is not
  /// the tenant's)
  Result<VersionSummary> upload(std::string_view tenant, std::string_view script, Upload upload);
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
  /// With module contents. @error NotFound, Corrupt
  Result<std::shared_ptr<const Version>> version(std::string_view tenant, std::string_view script,
                                                 std::string_view versionId) const;

  /// @error InvalidArgument (pattern), AlreadyExists (another script has it), NotFound (script)
  Result<Route> addRoute(std::string_view tenant, std::string_view script,
                         std::string_view pattern);
  Result<> removeRoute(std::string_view tenant, std::string_view pattern);
  Result<std::vector<Route>> routes(std::string_view tenant) const;

  Result<KvNamespace> createKvNamespace(std::string_view tenant, std::string_view title);
  Result<> removeKvNamespace(std::string_view tenant, std::string_view id);
  Result<std::vector<KvNamespace>> kvNamespaces(std::string_view tenant) const;

  /// Everything a gateway needs for its table, from one consistent view.
  struct Listing {
    std::uint64_t logIndex = 0;
    std::vector<Deployment> deployments;
    std::vector<Route> routes;
  };
  Result<Listing> list() const;

 private:
  store::Database& database_;
  const Clock& clock_;
  UploadLimits limits_;
};

/// "*.example.com/api/*" -> canonical form. @error InvalidArgument says what is wrong where.
Result<std::string> canonicalRoutePattern(std::string_view pattern);
/// Script and tenant names: 1-63 of [a-z0-9-], not at either end a '-'.
Result<> checkScriptName(std::string_view name);

}  // namespace atolld::deploy
