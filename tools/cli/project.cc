#include "project.h"

#include <algorithm>
#include <array>
#include <filesystem>

#include "base/encoding.h"
#include "base/suggest.h"
#include "jsonc.h"

namespace atolld::cli {
namespace {

namespace fs = std::filesystem;

// Keys that do something here.
constexpr std::array<std::string_view, 27> kKnownKeys{"name",
                                                      "assets",
                                                      "main",
                                                      "compatibility_date",
                                                      "compatibility_flags",
                                                      "vars",
                                                      "route",
                                                      "routes",
                                                      "kv_namespaces",
                                                      "services",
                                                      "rules",
                                                      "no_bundle",
                                                      "minify",
                                                      "base_dir",
                                                      "find_additional_modules",
                                                      "define",
                                                      "alias",
                                                      "tsconfig",
                                                      "jsx_factory",
                                                      "jsx_fragment",
                                                      "build",
                                                      "env",
                                                      "$schema",
                                                      "keep_vars",
                                                      "send_metrics",
                                                      "account_id",
                                                      "upload_source_maps"};
// Keys that tune a hosted platform or a tool: reading past them changes nothing a script can see.
constexpr std::array<std::string_view, 19> kIgnoredKeys{"workers_dev",
                                                        "preview_urls",
                                                        "observability",
                                                        "placement",
                                                        "logpush",
                                                        "dev",
                                                        "limits",
                                                        "keep_names",
                                                        "preserve_file_names",
                                                        "tail_consumers",
                                                        "usage_model",
                                                        "node_compat",
                                                        "legacy_env",
                                                        "cache",
                                                        "dependencies_instrumentation",
                                                        "addresses",
                                                        "previews",
                                                        "streaming_tail_consumers",
                                                        "first_party_worker"};
// Bindings and features that a script would miss at run time: refused, not ignored.
constexpr std::array<std::string_view, 29> kMissingKeys{"r2_buckets",
                                                        "d1_databases",
                                                        "durable_objects",
                                                        "migrations",
                                                        "queues",
                                                        "analytics_engine_datasets",
                                                        "site",
                                                        "ratelimits",
                                                        "send_email",
                                                        "hyperdrive",
                                                        "vectorize",
                                                        "workflows",
                                                        "containers",
                                                        "ai",
                                                        "browser",
                                                        "images",
                                                        "pipelines",
                                                        "dispatch_namespaces",
                                                        "mtls_certificates",
                                                        "version_metadata",
                                                        "worker_loaders",
                                                        "exports",
                                                        "secrets_store_secrets",
                                                        "wasm_modules",
                                                        "text_blobs",
                                                        "data_blobs",
                                                        "unsafe",
                                                        "python_modules",
                                                        "pages_build_output_dir"};

template <std::size_t N>
bool contains(const std::array<std::string_view, N>& list, std::string_view key) {
  return std::find(list.begin(), list.end(), key) != list.end();
}

bool isEmpty(const Json& value) {
  return value.is_null() || ((value.is_object() || value.is_array()) && value.empty()) ||
         (value.is_boolean() && !value.get<bool>());
}

class Reader {
 public:
  Reader(std::string file, Json top, Json environment)
      : file_(std::move(file)), top_(std::move(top)), environment_(std::move(environment)) {}

  [[noreturn]] void refuse(const std::string& key, const std::string& what) const {
    throw CliError(fs::path(file_).filename().string() + ": " + key + " " + what);
  }

  // What the environment says, else the top level. Bindings are not inherited.
  const Json* find(const std::string& key, bool inherited = true) const {
    if (environment_.is_object()) {
      if (const auto own = environment_.find(key); own != environment_.end()) return &*own;
      if (!inherited) return nullptr;
    }
    const auto found = top_.find(key);
    return found == top_.end() ? nullptr : &*found;
  }

  std::string text(const std::string& key) const {
    const Json* const value = find(key);
    if (!value) return {};
    if (!value->is_string()) refuse(key, "is no string: put it in quotes");
    return value->get<std::string>();
  }

  bool flag(const std::string& key) const {
    const Json* const value = find(key);
    if (!value) return false;
    if (!value->is_boolean()) refuse(key, "is true or false");
    return value->get<bool>();
  }

  std::vector<std::string> texts(const std::string& key) const {
    std::vector<std::string> out;
    const Json* const value = find(key);
    if (!value) return out;
    if (!value->is_array()) refuse(key, "is no list");
    for (const Json& item : *value) {
      if (!item.is_string()) refuse(key, "holds something that is no string");
      out.push_back(item.get<std::string>());
    }
    return out;
  }

  void checkKeys() const {
    for (const Json* const level : {&top_, &environment_}) {
      if (!level->is_object()) continue;
      for (const auto& [key, value] : level->items()) {
        if (contains(kKnownKeys, key) || contains(kIgnoredKeys, key)) continue;
        if (contains(kMissingKeys, key)) {
          if (!isEmpty(value)) refuse(key, "is not available on this server yet: take it out");
        } else if (key == "triggers") {
          if (value.is_object() && !isEmpty(value.value("crons", Json()))) {
            warn("triggers.crons has no effect yet: this server runs no cron triggers");
          }
        } else {
          warn(fs::path(file_).filename().string() + ": unknown key \"" + key + "\"" +
               didYouMean(key, kKnownKeys));
        }
      }
    }
  }

  bool hasEnvironment() const { return environment_.is_object(); }
  const Json& environment() const { return environment_; }

 private:
  std::string file_;
  Json top_;
  Json environment_;  // Null: the top level is meant.
};

std::string contentTypeOfRule(const std::string& type) {
  if (type == "ESModule") return "application/javascript+module";
  if (type == "CommonJS") return "application/javascript";
  if (type == "CompiledWasm") return "application/wasm";
  if (type == "Text") return "text/plain";
  if (type == "Data") return "application/octet-stream";
  if (type == "Json") return "application/json";
  return {};
}

void addRules(const Reader& reader, Project& project) {
  std::vector<std::string> closed;  // Types whose defaults a rule shut out.
  if (const Json* const rules = reader.find("rules")) {
    if (!rules->is_array()) reader.refuse("rules", "is no list");
    for (const Json& rule : *rules) {
      ModuleRule added;
      const bool shaped = rule.is_object() && rule.contains("type") && rule["type"].is_string() &&
                          rule.contains("globs") && rule["globs"].is_array();
      if (!shaped) reader.refuse("rules", R"(are {"type": "Text", "globs": ["**/*.md"]})");
      const std::string type = rule["type"];
      added.contentType = contentTypeOfRule(type);
      if (added.contentType.empty()) {
        reader.refuse("rules", "has the type \"" + type +
                                   "\": ESModule, CommonJS, CompiledWasm, Text, Data are known");
      }
      for (const Json& glob : rule["globs"]) {
        if (!glob.is_string()) reader.refuse("rules", "has a glob that is no string");
        added.globs.push_back(glob);
      }
      added.fallthrough = rule.value("fallthrough", true);
      if (!added.fallthrough) closed.push_back(added.contentType);
      project.rules.push_back(std::move(added));
    }
  }
  const ModuleRule defaults[] = {
      {"application/javascript+module", {"**/*.js", "**/*.mjs"}},
      {"application/javascript", {"**/*.cjs"}},
      {"application/wasm", {"**/*.wasm", "**/*.wasm?module"}},
      {"text/plain", {"**/*.txt", "**/*.html", "**/*.sql"}},
      {"application/octet-stream", {"**/*.bin"}},
      {"application/json", {"**/*.json"}},
  };
  for (const ModuleRule& rule : defaults) {
    if (std::find(closed.begin(), closed.end(), rule.contentType) == closed.end()) {
      project.rules.push_back(rule);
    }
  }
}

void addVars(const Reader& reader, Project& project) {
  const Json* const vars = reader.find("vars", /*inherited=*/false);
  if (!vars) return;
  if (!vars->is_object()) reader.refuse("vars", "is no object: write {\"NAME\": \"value\"}");
  for (const auto& [name, value] : vars->items()) project.vars.emplace_back(name, value);
}

void addKv(const Reader& reader, Project& project) {
  const Json* const list = reader.find("kv_namespaces", /*inherited=*/false);
  if (!list) return;
  if (!list->is_array()) reader.refuse("kv_namespaces", "is no list");
  for (const Json& item : *list) {
    if (!item.is_object() || !item.contains("binding") || !item["binding"].is_string()) {
      reader.refuse("kv_namespaces", "needs a \"binding\" in each entry");
    }
    const Json id = item.value("id", Json(""));
    if (!id.is_string()) reader.refuse("kv_namespaces", "has an id that is no string");
    project.kv.push_back({.binding = item["binding"], .id = id});
  }
}

void addServices(const Reader& reader, Project& project) {
  const Json* const list = reader.find("services", /*inherited=*/false);
  if (!list) return;
  if (!list->is_array()) reader.refuse("services", "is no list");
  for (const Json& item : *list) {
    const auto text = [&](const char* key) {
      const Json value = item.is_object() ? item.value(key, Json("")) : Json();
      if (!value.is_string()) reader.refuse("services", "has entries that are not all strings");
      return value.get<std::string>();
    };
    ProjectService service{.binding = text("binding"),
                           .service = text("service"),
                           .entrypoint = text("entrypoint"),
                           .props = item.value("props", Json())};
    if (service.binding.empty() || service.service.empty()) {
      reader.refuse("services", "needs a \"binding\" and a \"service\" in each entry");
    }
    if (const std::string environment = text("environment"); !environment.empty()) {
      service.service += "-" + environment;
    }
    project.services.push_back(std::move(service));
  }
}

void addAssets(const Reader& reader, Project& project) {
  const Json* const assets = reader.find("assets");
  if (!assets) return;
  if (!assets->is_object())
    reader.refuse("assets", "is no object: write {\"directory\": \"public\"}");
  ProjectAssets made;
  for (const auto& [key, value] : assets->items()) {
    if (key == "run_worker_first") {
      if (!value.is_boolean() && !value.is_array()) {
        reader.refuse("assets.run_worker_first", "is true, false or a list of paths");
      }
      made.config[key] = value;
      continue;
    }
    if (!value.is_string()) reader.refuse("assets." + key, "is no string");
    if (key == "directory") {
      made.directory =
          (fs::path(project.directory) / value.get<std::string>()).lexically_normal().string();
    } else if (key == "binding") {
      made.binding = value;
    } else if (key == "html_handling" || key == "not_found_handling" || key == "base_path") {
      made.config[key] = value;
    } else {
      reader.refuse("assets." + key,
                    "is unknown: directory, binding, html_handling, "
                    "not_found_handling and run_worker_first are known");
    }
  }
  if (made.directory.empty()) reader.refuse("assets", "needs a \"directory\"");
  std::error_code ignored;
  // A build command may be about to make it.
  if (project.buildCommand.empty() && !fs::is_directory(made.directory, ignored)) {
    reader.refuse("assets.directory", "is " + made.directory + ", which is no directory");
  }
  project.assets = std::move(made);
}

void addRoutes(const Reader& reader, Project& project) {
  Json list = Json::array();
  if (const Json* const one = reader.find("route")) list.push_back(*one);
  if (const Json* const many = reader.find("routes")) {
    if (!many->is_array()) reader.refuse("routes", "is no list");
    list.insert(list.end(), many->begin(), many->end());
  }
  for (const Json& item : list) {
    const Json pattern = item.is_object() ? item.value("pattern", Json()) : item;
    if (!pattern.is_string()) reader.refuse("routes", R"(are strings or {"pattern": "host/*"})");
    if (item.is_object() && !item.value("enabled", true)) continue;
    project.routes.push_back(pattern);
  }
}

void addBundleOptions(const Reader& reader, Project& project) {
  for (const char* const key : {"define", "alias"}) {
    const Json* const value = reader.find(key);
    if (!value) continue;
    if (!value->is_object()) reader.refuse(key, "is no object");
    for (const auto& [name, text] : value->items()) {
      if (!text.is_string()) reader.refuse(key, "." + name + " is no string");
    }
    project.bundleOptions[key] = *value;
  }
  for (const char* const key : {"tsconfig", "jsx_factory", "jsx_fragment"}) {
    if (std::string value = reader.text(key); !value.empty()) project.bundleOptions[key] = value;
  }
  const Json* const build = reader.find("build");
  if (!build) return;
  if (!build->is_object()) reader.refuse("build", "is no object");
  const Json command = build->value("command", Json(""));
  const Json cwd = build->value("cwd", Json("."));
  if (!command.is_string() || !cwd.is_string()) reader.refuse("build", "has no strings in it");
  project.buildCommand = command;
  project.buildDirectory =
      (fs::path(project.directory) / cwd.get<std::string>()).lexically_normal().string();
}

// The entry of a project that names none.
std::string guessMain(const fs::path& directory) {
  for (const char* const name :
       {"index.ts", "index.js", "index.mjs", "src/index.ts", "src/index.js", "src/index.mjs",
        "worker.ts", "worker.js", "worker.mjs", "src/worker.ts", "src/worker.js"}) {
    if (fs::is_regular_file(directory / name)) return name;
  }
  return {};
}

Json selectEnvironment(const std::string& file, const Json& top, const std::string& name) {
  if (name.empty()) return Json();
  const std::string shown = fs::path(file).filename().string();
  const auto environments = top.find("env");
  if (environments == top.end() || !environments->is_object() || !environments->contains(name)) {
    std::vector<std::string> names;
    if (environments != top.end() && environments->is_object()) {
      for (const auto& [key, value] : environments->items()) names.push_back(key);
    }
    const std::vector<std::string_view> views(names.begin(), names.end());
    throw CliError(shown + " has no env." + name + didYouMean(name, views), 2);
  }
  if (!(*environments)[name].is_object()) throw CliError(shown + ": env." + name + " is no object");
  return (*environments)[name];
}

Json readConfig(const std::string& file) {
  const std::string text = readFile(file);
  Json json = file.ends_with(".toml") ? parseToml(text, file) : parseJsonc(text, file);
  if (!json.is_object()) throw CliError(file + " is no object: write {\"name\": …}");
  return json;
}

std::string nameOf(const Reader& reader, const std::string& directory,
                   const std::string& environment) {
  const bool own = reader.hasEnvironment() && reader.environment().contains("name");
  std::string name = reader.text("name");
  if (name.empty()) name = scriptNameFrom(fs::path(directory).filename().string());
  return reader.hasEnvironment() && !own ? name + "-" + environment : name;
}

std::string_view trimmed(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(" \t\r"), text.size()));
  return text.substr(0, text.find_last_not_of(" \t\r") + 1);
}

std::string_view unquoted(std::string_view text) {
  const bool isQuoted = text.size() >= 2 && text.front() == text.back() &&
                        (text.front() == '"' || text.front() == '\'' || text.front() == '`');
  return isQuoted ? text.substr(1, text.size() - 2) : text;
}

}  // namespace

std::string scriptNameFrom(std::string_view text) {
  std::string name;
  for (const char c : text) {
    const char lower = toLowerAscii(c);
    const bool plain = (lower >= 'a' && lower <= 'z') || (lower >= '0' && lower <= '9');
    if (plain) {
      name += lower;
    } else if (!name.empty() && name.back() != '-') {
      name += '-';
    }
  }
  name.resize(std::min<std::size_t>(name.size(), 63));
  while (!name.empty() && name.back() == '-') name.pop_back();
  return name.empty() ? "script" : name;
}

std::optional<std::string> findConfigFile(const std::string& directory) {
  for (const char* const name : {"wrangler.json", "wrangler.jsonc", "wrangler.toml"}) {
    if (fs::path path = fs::path(directory) / name; fs::is_regular_file(path)) return path.string();
  }
  return std::nullopt;
}

std::string projectName(const std::string& directory, const std::string& environment) {
  const auto file = findConfigFile(directory);
  if (!file) return {};
  const Json top = readConfig(*file);
  return nameOf(Reader(*file, top, selectEnvironment(*file, top, environment)),
                fs::absolute(directory).lexically_normal().string(), environment);
}

std::vector<std::string> environmentNames(const std::string& directory) {
  std::vector<std::string> names;
  const auto file = findConfigFile(directory);
  if (!file) return names;
  const Json environments = readConfig(*file).value("env", Json());
  if (!environments.is_object()) return names;
  for (const auto& [name, value] : environments.items()) names.push_back(name);
  return names;
}

std::vector<std::pair<std::string, std::string>> readDevVars(const std::string& directory) {
  std::vector<std::pair<std::string, std::string>> vars;
  const std::string file = (fs::path(directory) / ".dev.vars").string();
  std::error_code ignored;
  if (!fs::is_regular_file(file, ignored)) return vars;
  const std::string text = readFile(file);
  for (std::string_view rest = text; !rest.empty();) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    std::string_view pair = trimmed(line);
    if (pair.starts_with("export ")) pair = trimmed(pair.substr(7));
    const std::size_t equals = pair.find('=');
    if (pair.empty() || pair.front() == '#' || equals == pair.npos) continue;
    vars.emplace_back(trimmed(pair.substr(0, equals)), unquoted(trimmed(pair.substr(equals + 1))));
  }
  return vars;
}

Project loadProject(const std::string& directory, const std::string& environment) {
  Project project;
  fs::path root = fs::absolute(directory).lexically_normal();
  if (!root.has_filename()) root = root.parent_path();
  project.directory = root.string();
  project.configFile = findConfigFile(project.directory).value_or("");
  if (project.configFile.empty() && !environment.empty()) {
    throw CliError("--env " + environment + ": " + project.directory +
                       " holds no wrangler.jsonc, wrangler.json or wrangler.toml",
                   2);
  }
  const Json top = project.configFile.empty() ? Json::object() : readConfig(project.configFile);
  const Reader reader(project.configFile, top,
                      selectEnvironment(project.configFile, top, environment));
  reader.checkKeys();
  project.name = nameOf(reader, project.directory, environment);
  addBundleOptions(reader, project);
  addAssets(reader, project);
  std::string main = reader.text("main");
  // Beside static files, an index.js may be one of them.
  if (main.empty() && !project.assets) main = guessMain(root);
  if (main.empty() && !project.assets) {
    throw CliError(project.directory +
                   " has no entry: name it as \"main\" in wrangler.jsonc, or "
                   "make an index.js");
  }
  if (!main.empty()) project.main = (root / main).lexically_normal().string();
  const std::string base = reader.text("base_dir");
  project.baseDirectory = base.empty() ? fs::path(project.main).parent_path().string()
                                       : (root / base).lexically_normal().string();
  project.compatibilityDate = reader.text("compatibility_date");
  project.compatibilityFlags = reader.texts("compatibility_flags");
  project.noBundle = reader.flag("no_bundle");
  project.minify = reader.flag("minify");
  project.uploadSourceMaps =
      !reader.find("upload_source_maps") || reader.flag("upload_source_maps");
  project.findAdditionalModules = reader.find("find_additional_modules")
                                      ? reader.flag("find_additional_modules")
                                      : project.noBundle;
  addVars(reader, project);
  addKv(reader, project);
  addServices(reader, project);
  addRoutes(reader, project);
  addRules(reader, project);
  if (project.main.empty() && !project.assets->binding.empty()) {
    reader.refuse("assets.binding", "needs a script: name it as \"main\", or take the binding out");
  }
  if (project.buildCommand.empty() && !project.main.empty() && !fs::is_regular_file(project.main)) {
    throw CliError("the entry " + project.main + " is not there: mend \"main\"");
  }
  return project;
}

Project projectOfFile(const std::string& file) {
  Project project;
  const fs::path path = fs::absolute(file).lexically_normal();
  project.directory = path.parent_path().string();
  project.main = path.string();
  project.baseDirectory = project.directory;
  project.name = scriptNameFrom(path.stem().string());
  // "index" says nothing: the directory's name does.
  if (project.name == "index" || project.name == "worker" || project.name == "main") {
    project.name = scriptNameFrom(path.parent_path().filename().string());
  }
  project.noBundle = true;
  addRules(Reader("", Json::object(), Json()), project);
  return project;
}

}  // namespace atolld::cli
