#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cli.h"

namespace atolld::cli {

/// What kind of module a file is, as the upload's content type says it.
struct ModuleRule {
  std::string contentType;         ///< "application/wasm"
  std::vector<std::string> globs;  ///< Against the path below the base directory.
  bool fallthrough = true;         ///< False: later rules of the same type do not apply.
};

/// A KV binding of a project; without an id, one is made by title on deploy.
struct ProjectKv {
  std::string binding;
  std::string id;  ///< May be empty.
};

/// Static files.
struct ProjectAssets {
  std::string directory;         ///< Absolute.
  std::string binding;           ///< Empty: the script has none.
  Json config = Json::object();  ///< html_handling, not_found_handling, run_worker_first.
};

/// Another script that this one calls.
struct ProjectService {
  std::string binding;
  std::string service;
  std::string entrypoint;  ///< Empty: the default export.
  Json props;              ///< Null: none.
};

/// A script project as wrangler.jsonc, wrangler.json or wrangler.toml describes it, with one
/// environment applied.
struct Project {
  std::string directory;   ///< Absolute.
  std::string configFile;  ///< Empty: there is none.
  std::string name;
  std::string main;           ///< Absolute path of the entry file; empty: static files alone.
  std::string baseDirectory;  ///< Absolute: module names are relative to it.
  std::string compatibilityDate;
  std::vector<std::string> compatibilityFlags;
  std::vector<std::pair<std::string, Json>> vars;
  std::vector<ProjectKv> kv;
  std::vector<ProjectService> services;
  std::optional<ProjectAssets> assets;
  std::vector<std::string> routes;
  std::vector<ModuleRule> rules;  ///< The project's own, then the defaults.
  bool noBundle = false;
  bool findAdditionalModules = false;
  bool minify = false;
  bool uploadSourceMaps = true;         ///< Of what is bundled.
  Json bundleOptions = Json::object();  ///< define, alias, tsconfig, jsx_factory, jsx_fragment.
  std::string buildCommand;             ///< Run first, in buildDirectory.
  std::string buildDirectory;
};

/// Reads the project in `directory`. Throws CliError with file and key; warns of keys that have no
/// effect here.
///
/// @param environment  "env.<environment>" of the file; empty: the top level.
Project loadProject(const std::string& directory, const std::string& environment);
/// The names of the environments in the configuration of `directory`.
std::vector<std::string> environmentNames(const std::string& directory);
/// The variables of `directory`'s .dev.vars, which holds one machine's: NAME=value a line, as
/// dotenv has it. None where there is no such file.
std::vector<std::pair<std::string, std::string>> readDevVars(const std::string& directory);
/// A project made of one file; its name is the file's unless it stands beside a configuration.
Project projectOfFile(const std::string& file);
/// The name in the configuration of `directory`; empty if there is none. For commands that take the
/// script they are run beside.
std::string projectName(const std::string& directory, const std::string& environment);
/// The configuration file of `directory`, or nothing.
std::optional<std::string> findConfigFile(const std::string& directory);

/// "My App!" -> "my-app": what a script may be called.
std::string scriptNameFrom(std::string_view text);

/// Whether a path matches a glob: "**/" any directories, "*" and "?" within one, "{a,b}" either.
bool matchesGlob(std::string_view glob, std::string_view path);

}  // namespace atolld::cli
