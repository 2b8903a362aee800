#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cli.h"

namespace atolld::cli {

// Each function is one command: it prints what it did and throws CliError when it could not.

struct DeployOptions {
  std::string path = ".";
  std::string name;
  std::string environment;
  std::string message;
  std::vector<std::string> vars;  ///< "NAME=value", above those of the project.
  bool bundle = false;
  bool noBundle = false;
  bool uploadOnly = false;  ///< Make a version, do not deploy it.
  bool dryRun = false;      ///< Build and list, send nothing.
  /// To a private node: KV namespaces are its own, it answers on localhost, .dev.vars counts.
  bool isLocal = false;
};
void deploy(const Globals& globals, const DeployOptions& options);

struct DevOptions {
  std::string path = ".";
  std::string environment;
  std::vector<std::string> vars;
  int port = 8787;
  std::optional<int> inspectPort;  ///< Where debuggers find the script; 0 picks one.
};
/// Serves the project from a node of its own and swaps in what is saved, until Ctrl-C.
void dev(const Globals& globals, const DevOptions& options);

struct TypesOptions {
  std::string path = ".";
  std::string environment;  ///< Empty: what any of them has.
  bool isLoose = false;     ///< string instead of "value".
};
/// Writes worker-configuration.d.ts: the types of the project's env and modules.
void writeTypes(const Globals& globals, const TypesOptions& options);

/// The script that a command is about: named, or the project's in the current directory.
struct ScriptOptions {
  std::string script;
  std::string environment;
};
void listScripts(const Globals& globals);
void listVersions(const Globals& globals, const ScriptOptions& options);
void listDeployments(const Globals& globals, const ScriptOptions& options);
/// `words`: SCRIPT VERSION; one alone is a version in a project's directory, or where the script is
/// given by option, and a script elsewhere.
void rollback(const Globals& globals, ScriptOptions options, const std::vector<std::string>& words,
              const std::string& message);
void deployVersions(const Globals& globals, const ScriptOptions& options,
                    const std::vector<std::string>& shares, const std::string& message);
void deleteScript(const Globals& globals, const ScriptOptions& options, bool yes);

struct TailOptions {
  ScriptOptions script;
  std::vector<std::string> statuses;  ///< "ok", "error", "canceled"
  std::vector<std::string> methods;
  std::vector<std::string> addresses;  ///< Of clients; "self": where this runs.
  std::string header;                  ///< "NAME" or "NAME:TEXT"
  std::string search;
  std::string version;
  double samplingRate = 1;
};
/// Shows what a script does, as it happens, until the node or Ctrl-C ends it.
void tail(const Globals& globals, const TailOptions& options);

void listRoutes(const Globals& globals);
void addRoute(const Globals& globals, const std::string& pattern, const ScriptOptions& options);
void removeRoute(const Globals& globals, const std::string& pattern);

struct KvOptions {
  std::string namespaceName;  ///< An id, a title or the title of a binding's namespace.
  std::string binding;        ///< Of the project in the current directory.
  std::string environment;
};
struct KvPutOptions {
  std::string key;
  std::optional<std::string> value;  ///< Else `path`, else standard input.
  std::string path;
  std::string metadata;
  std::optional<std::int64_t> ttlSeconds;
  std::optional<std::int64_t> expiration;
};
void listNamespaces(const Globals& globals);
void createNamespace(const Globals& globals, const std::string& title);
void deleteNamespace(const Globals& globals, const std::string& name, bool yes);
void getKey(const Globals& globals, const KvOptions& options, const std::string& key,
            const std::string& path);
void putKey(const Globals& globals, const KvOptions& options, const KvPutOptions& put);
void listKeys(const Globals& globals, const KvOptions& options, const std::string& prefix,
              std::uint64_t limit);
void deleteKey(const Globals& globals, const KvOptions& options, const std::string& key);

/// `value`: else standard input, without its last line end. With `isVersion` a version more is made
/// and not deployed.
void putSecret(const Globals& globals, const ScriptOptions& options, const std::string& name,
               const std::optional<std::string>& value, bool isVersion);
void deleteSecret(const Globals& globals, const ScriptOptions& options, const std::string& name,
                  bool isVersion);
void listSecrets(const Globals& globals, const ScriptOptions& options);

/// Of the tenant named, which only operators may; else of the caller's own.
struct TokenOptions {
  std::string tenant, name, role = "deployer", script;
};
void listTokens(const Globals& globals, const TokenOptions& options);
void createToken(const Globals& globals, const TokenOptions& options);
void revokeToken(const Globals& globals, const TokenOptions& options, const std::string& id);
struct AuditOptions {
  std::string tenant;  ///< Empty: the caller's own.
  std::uint64_t limit = 100;
  std::uint64_t before = 0;  ///< A log index; 0: from the newest on.
};
void listAudit(const Globals& globals, const AuditOptions& options);

void listTenants(const Globals& globals);
void createTenant(const Globals& globals, const std::string& name);
void deleteTenant(const Globals& globals, const std::string& name, bool yes);

void listNodes(const Globals& globals);
void createJoinToken(const Globals& globals, std::uint64_t lifetimeSeconds);
void removeNode(const Globals& globals, const std::string& name);
void drainNode(const Globals& globals, const std::string& name, bool isDrained);
void makeBackup(const Globals& globals);

void login(const Globals& globals);
void logout(const Globals& globals);
void whoami(const Globals& globals);

/// Makes a project from a template, in a directory that has none of its files.
void init(const Globals& globals, const std::string& directory, const std::string& templateName);
std::vector<std::string> templateNames();

/// Shared: the script's name. Throws CliError (usage) where there is none.
std::string requireScript(const ScriptOptions& options);

}  // namespace atolld::cli
