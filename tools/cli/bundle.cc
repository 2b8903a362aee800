#include "bundle.h"

#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <map>
#include <set>

#include "deploy/compatibility.h"
#include "subprocess.h"

namespace atolld::cli {
namespace {

namespace fs = std::filesystem;

constexpr const char* kMapName = "index.js.map";
constexpr std::size_t kFileCountMax = 5000;  // More is a directory that was not meant.

// A directory of its own that goes with us.
class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string name = (fs::temp_directory_path() / "atoll-XXXXXX").string();
    if (!mkdtemp(name.data())) throw CliError(name + ": " + std::strerror(errno));
    path_ = name;
  }
  ~TemporaryDirectory() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  const std::string& path() const noexcept { return path_; }

 private:
  std::string path_;
};

const ModuleRule* findRule(const Project& project, std::string_view path) {
  for (const ModuleRule& rule : project.rules) {
    for (const std::string& glob : rule.globs) {
      if (matchesGlob(glob, path)) return &rule;
    }
  }
  return nullptr;
}

UploadPart modulePart(const std::string& name, const std::string& contentType,
                      const fs::path& file) {
  const bool odd = name.find_first_of("\"\\\r\n") != std::string::npos;
  if (odd) throw CliError("\"" + name + "\" is no name for a module: rename the file");
  return {.name = name,
          .fileName = name,
          .contentType = contentType,
          .content = readFile(file.string())};
}

bool isToolFile(const std::string& name) {
  static const std::set<std::string> kNames = {
      "package.json", "package-lock.json", "tsconfig.json", "jsconfig.json",
      "deno.json",    "wrangler.json",     "wrangler.jsonc"};
  return name.starts_with(".") || kNames.contains(name);
}

// Every file below the base directory that a rule takes.
void addSiblings(const Project& project, Modules& modules) {
  std::set<std::string> names;
  for (const UploadPart& module : modules) names.insert(module.name);
  const fs::path base(project.baseDirectory);
  std::error_code error;
  fs::recursive_directory_iterator walk(base, error);
  if (error) throw CliError(base.string() + ": " + error.message());
  std::vector<fs::path> files;
  std::size_t seen = 0;
  for (const fs::directory_entry& entry : walk) {
    const std::string name = entry.path().filename().string();
    if (++seen > kFileCountMax) {
      throw CliError(base.string() + " holds more than " + std::to_string(kFileCountMax) +
                     " files: set base_dir to a directory with the script alone");
    }
    if (entry.is_directory() && (name.starts_with(".") || name == "node_modules")) {
      walk.disable_recursion_pending();
    } else if (entry.is_regular_file() && !isToolFile(name) && entry.path() != project.main) {
      files.push_back(entry.path());
    }
  }
  std::sort(files.begin(), files.end());  // The same upload gives the same version.
  for (const fs::path& file : files) {
    const std::string name = file.lexically_relative(base).generic_string();
    const ModuleRule* const rule = findRule(project, name);
    if (rule && names.insert(name).second) {
      modules.push_back(modulePart(name, rule->contentType, file));
    }
  }
}

// Node's modules, which the node has where the date or a flag asks for them. Packages of the same
// names in node_modules are older copies.
constexpr std::string_view kNodeModules[] = {"assert",
                                             "async_hooks",
                                             "buffer",
                                             "child_process",
                                             "cluster",
                                             "console",
                                             "constants",
                                             "crypto",
                                             "dgram",
                                             "diagnostics_channel",
                                             "dns",
                                             "domain",
                                             "events",
                                             "fs",
                                             "http",
                                             "http2",
                                             "https",
                                             "inspector",
                                             "module",
                                             "net",
                                             "os",
                                             "path",
                                             "perf_hooks",
                                             "process",
                                             "punycode",
                                             "querystring",
                                             "readline",
                                             "repl",
                                             "stream",
                                             "string_decoder",
                                             "sys",
                                             "timers",
                                             "tls",
                                             "trace_events",
                                             "tty",
                                             "url",
                                             "util",
                                             "v8",
                                             "vm",
                                             "wasi",
                                             "worker_threads",
                                             "zlib"};

bool hasNodeModules(const Project& project) {
  return deploy::featuresOf(project.compatibilityDate, project.compatibilityFlags)
      .has(deploy::Feature::NodeGlobals);
}

// esbuild writes require() of what it leaves out as a call that fails in an ES module, unless there
// is a `require`.
void addRequire(const Project& project, UploadPart& module) {
  if (!hasNodeModules(project) || !module.content.contains("Dynamic require of")) return;
  module.content =
      "import { createRequire as __createRequire } from \"node:module\"; "
      "const require = __createRequire(\"file:///index.js\"); " +  // The lines keep their numbers.
      module.content;
}

// The bundle's source map, its files named as seen from the project.
void addSourceMap(const Project& project, const fs::path& output, Modules& modules) {
  const fs::path file = output / kMapName;
  if (!fs::exists(file)) return;
  UploadPart part = modulePart(kMapName, kSourceMapType, file);
  Json map = Json::parse(part.content);
  const fs::path root = fs::weakly_canonical(project.directory);
  for (Json& source : map["sources"]) {
    const fs::path path = fs::weakly_canonical(output / source.get<std::string>());
    source = path.lexically_relative(root).generic_string();
  }
  part.content = map.dump();
  modules.push_back(std::move(part));
}

// The esbuild loader for files of a rule: text goes into the bundle, the rest beside it.
void addLoaders(const Project& project, std::vector<std::string>& command) {
  std::map<std::string, std::string> loaders;
  for (const ModuleRule& rule : project.rules) {
    const bool text = rule.contentType == "text/plain";
    const bool copied =
        rule.contentType == "application/wasm" || rule.contentType == "application/octet-stream";
    if (!text && !copied) continue;
    for (std::string glob : rule.globs) {
      if (const auto query = glob.find('?'); query != std::string::npos) glob.resize(query);
      const std::size_t dot = glob.rfind("*.");
      const std::string extension = dot == std::string::npos ? "" : glob.substr(dot + 1);
      if (extension.empty() || extension.find_first_of("*/{}") != std::string::npos) {
        throw CliError("rules: the glob \"" + glob +
                       "\" does not end in *.extension, which bundling needs: change it, or set "
                       "no_bundle");
      }
      loaders.emplace(extension, text ? "text" : "copy");
    }
  }
  for (const auto& [extension, loader] : loaders) {
    command.push_back("--loader:" + extension + "=" + loader);
  }
}

std::vector<std::string> esbuildCommand(const Project& project, const std::string& esbuild,
                                        const std::string& output) {
  std::vector<std::string> command = {esbuild,
                                      project.main,
                                      "--bundle",
                                      "--format=esm",
                                      "--target=es2024",
                                      "--platform=browser",
                                      "--conditions=workerd,worker,browser",
                                      "--main-fields=browser,module,main",
                                      "--external:node:*",
                                      "--external:cloudflare:*",
                                      "--external:workerd:*",
                                      "--define:process.env.NODE_ENV=\"production\"",
                                      "--loader:.mjs=jsx",
                                      "--loader:.js=jsx",
                                      "--loader:.cjs=jsx",
                                      "--keep-names",
                                      "--log-level=error",
                                      "--color=false",
                                      "--log-limit=10",
                                      "--entry-names=index",
                                      "--asset-names=[name]-[hash]",
                                      "--outdir=" + output,
                                      "--out-extension:.js=.js"};
  addLoaders(project, command);
  if (hasNodeModules(project)) {
    for (const std::string_view name : kNodeModules) {
      command.push_back("--external:" + std::string(name));
    }
  }
  if (project.minify) command.push_back("--minify");
  if (project.uploadSourceMaps) command.push_back("--sourcemap=external");
  const Json& options = project.bundleOptions;
  for (const char* const key : {"define", "alias"}) {
    if (!options.contains(key)) continue;
    for (const auto& [name, value] : options[key].items()) {
      command.push_back("--" + std::string(key) + ":" + name + "=" + value.get<std::string>());
    }
  }
  const auto addFlag = [&](const char* key, const char* flag) {
    if (options.contains(key)) command.push_back(flag + options[key].get<std::string>());
  };
  addFlag("tsconfig", "--tsconfig=");
  addFlag("jsx_factory", "--jsx-factory=");
  addFlag("jsx_fragment", "--jsx-fragment=");
  return command;
}

}  // namespace

bool needsBundling(const std::string& file) {
  static const std::set<std::string> kExtensions = {".ts", ".tsx", ".mts", ".cts", ".jsx"};
  return kExtensions.contains(fs::path(file).extension().string());
}

Modules collectModules(const Project& project) {
  const fs::path main(project.main);
  const std::string name = main.lexically_relative(project.baseDirectory).generic_string();
  if (name.empty() || name.starts_with("..")) {
    throw CliError(project.main + " is not below base_dir " + project.baseDirectory);
  }
  const ModuleRule* const rule = findRule(project, name);
  const std::string type = rule ? rule->contentType : "application/javascript+module";
  Modules modules = {modulePart(name, type, main)};
  if (project.findAdditionalModules) addSiblings(project, modules);
  return modules;
}

std::optional<std::string> findEsbuild(const std::string& directory) {
  for (fs::path path = directory;; path = path.parent_path()) {
    const std::string candidate = (path / "node_modules/.bin/esbuild").string();
    if (access(candidate.c_str(), X_OK) == 0) return candidate;
    if (!path.has_relative_path()) break;
  }
  const char* const environment = std::getenv("PATH");
  std::string_view rest = environment ? environment : "";
  while (!rest.empty()) {
    const std::size_t colon = std::min(rest.find(':'), rest.size());
    const std::string candidate = std::string(rest.substr(0, colon)) + "/esbuild";
    if (colon > 0 && access(candidate.c_str(), X_OK) == 0) return candidate;
    rest.remove_prefix(std::min(colon + 1, rest.size()));
  }
  return std::nullopt;
}

std::vector<std::string> esbuildErrors(std::string_view report) {
  // "✘ [ERROR] message", a blank line, "    file:line:column:", the source.
  constexpr std::string_view kMark = "[ERROR] ";
  std::vector<std::string> errors;
  std::string message;
  while (!report.empty()) {
    const std::size_t end = std::min(report.find('\n'), report.size());
    const std::string_view line = report.substr(0, end);
    report.remove_prefix(std::min(end + 1, report.size()));
    if (const auto mark = line.find(kMark); mark != std::string_view::npos) {
      if (!message.empty()) errors.push_back(message);
      message = line.substr(mark + kMark.size());
    } else if (!message.empty() && line.starts_with("    ") && line.ends_with(':') &&
               line.size() > 5 && line[4] != ' ') {
      errors.push_back(std::string(line.substr(4)) + " " + message);
      message.clear();
    }
  }
  if (!message.empty()) errors.push_back(message);
  return errors;
}

Modules bundleModules(const Project& project, const std::string& esbuild) {
  const TemporaryDirectory output;
  const ProcessResult result =
      runProcess(esbuildCommand(project, esbuild, output.path()), project.directory, true);
  if (result.exitCode != 0) {
    std::string message;
    for (const std::string& error : esbuildErrors(result.errorText)) {
      message += (message.empty() ? "" : "\n") + error;
    }
    if (message.empty()) message = "esbuild failed: " + result.errorText;
    throw CliError(message);
  }
  Modules modules = {modulePart("index.js", "application/javascript+module",
                                fs::path(output.path()) / "index.js")};
  addRequire(project, modules.front());
  addSourceMap(project, output.path(), modules);
  std::vector<fs::path> files;
  for (const fs::directory_entry& entry : fs::directory_iterator(output.path())) {
    const fs::path name = entry.path().filename();
    if (name != "index.js" && name != kMapName) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  for (const fs::path& file : files) {
    const std::string name = file.filename().string();
    const ModuleRule* const rule = findRule(project, name);
    modules.push_back(
        modulePart(name, rule ? rule->contentType : "application/octet-stream", file));
  }
  if (project.findAdditionalModules) addSiblings(project, modules);
  return modules;
}

}  // namespace atolld::cli
