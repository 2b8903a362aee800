#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "deploy/deployment.h"
#include "deploy/registry.h"

/// The keys and encodings of the families that Registry owns. Names hold no NUL, so it separates
/// them in keys. Every decoder is strict: only what its encoder makes. @error Corrupt
namespace atolld::deploy {

// scripts: tenant NUL script
struct ScriptRow {
  std::uint64_t versionNumber = 0;     ///< The last one given out; 0 for none.
  std::uint64_t deploymentNumber = 0;  ///< The current one; 0 for none.
  std::string newestVersionId;         ///< The last one uploaded; empty: unknown (an old row).
  UnixMillis createdAt{};
};
std::string scriptKey(std::string_view tenant, std::string_view script);
struct ScriptName {
  std::string_view tenant, script;  ///< Of the key.
};
/// @error Corrupt
Result<ScriptName> parseScriptKey(std::string_view key);
std::string encodeScript(const ScriptRow& row);
Result<ScriptRow> decodeScript(std::string_view row);

// versions: tenant NUL script NUL id
struct Manifest {
  Version version;  ///< Its modules have a hash and no content.
  std::vector<std::uint64_t> moduleBytes;

  VersionSummary summary() const;
};
std::string versionKey(std::string_view tenant, std::string_view script, std::string_view id);
/// What the id is the hash of: everything but number, createdAt and message.
std::string encodeContent(const Version& version, const std::vector<std::uint64_t>& moduleBytes);
std::string encodeManifest(const Manifest& manifest);
/// Also checks that `id` is the content's hash.
Result<Manifest> decodeManifest(std::string_view id, std::string_view row);

// modules: 'c' hash -> content; 'r' hash, then the key of a version that uses it -> nothing
std::string moduleContentKey(std::string_view rawHash);
std::string moduleReferencePrefix(std::string_view rawHash);
std::string moduleReferenceKey(std::string_view rawHash, std::string_view versionKey);

// deployments: tenant NUL script NUL number
std::string deploymentKey(std::string_view tenant, std::string_view script, std::uint64_t number);
std::string encodeDeployment(const Deployment& deployment);
Result<Deployment> decodeDeployment(std::string_view row);

// routes: 'p' pattern -> tenant, script; 't' tenant NUL pattern -> nothing
std::string routeKey(std::string_view pattern);
std::string tenantRouteKey(std::string_view tenant, std::string_view pattern);
std::string encodeRoute(const Route& route);
Result<Route> decodeRoute(std::string_view pattern, std::string_view row);

// kv_namespaces: 'n' id -> tenant, title; 't' tenant NUL title -> id
std::string namespaceKey(std::string_view id);
std::string tenantNamespaceKey(std::string_view tenant, std::string_view title);
std::string encodeNamespace(const KvNamespace& row);
Result<KvNamespace> decodeNamespace(std::string_view id, std::string_view row);

}  // namespace atolld::deploy
