#include <algorithm>
#include <filesystem>
#include <map>
#include <set>

#include "commands.h"
#include "project.h"

namespace atolld::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kFileName = "worker-configuration.d.ts";
constexpr std::string_view kMark = "// Made by `atoll types`";

bool isIdentifier(std::string_view name) {
  const auto isWord = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '$' ||
           (c >= '0' && c <= '9');
  };
  return !name.empty() && !(name[0] >= '0' && name[0] <= '9') && std::ranges::all_of(name, isWord);
}

// A name of anybody's choice is quoted: it stays a name.
std::string inQuotes(std::string_view text) {
  return Json(text).dump(-1, ' ', /*ensure_ascii=*/true, Json::error_handler_t::replace);
}
std::string memberName(const std::string& name) {
  return isIdentifier(name) ? name : inQuotes(name);
}

// The types that values have, or their kinds alone: "a" | string.
std::string typeOf(const Json& value, bool isLiteral) {
  if (value.is_object()) {
    std::string members;
    for (const auto& [name, member] : value.items()) {
      members +=
          (members.empty() ? " " : "; ") + memberName(name) + ": " + typeOf(member, isLiteral);
    }
    return "{" + members + (members.empty() ? "}" : " }");
  }
  if (value.is_array()) {
    std::string items;
    std::set<std::string> kinds;
    for (const Json& item : value) {
      const std::string type = typeOf(item, isLiteral);
      const bool isNew = kinds.insert(type).second;
      if (isLiteral) {
        items += (items.empty() ? "" : ", ") + type;
      } else if (isNew) {
        items += (items.empty() ? "" : " | ") + type;
      }
    }
    if (isLiteral) return "[" + items + "]";
    return "(" + (items.empty() ? "unknown" : items) + ")[]";
  }
  if (value.is_null()) return "null";
  if (!isLiteral) return value.is_string() ? "string" : value.is_boolean() ? "boolean" : "number";
  return value.is_string() ? inQuotes(value.get<std::string>()) : value.dump();
}

// A class of the project itself can be named; another script's is not known here.
std::string serviceType(const Project& project, const ProjectService& service) {
  const fs::path main(project.main);
  const bool isTyped = main.extension() == ".ts" || main.extension() == ".tsx";
  if (service.service != project.name || !isTyped) return "Fetcher";
  const std::string module =
      "./" + main.lexically_relative(project.directory).replace_extension("").generic_string();
  const std::string entry = service.entrypoint.empty() ? "default" : service.entrypoint;
  return "Service<(typeof import(" + inQuotes(module) + "))[" + inQuotes(entry) + "]>";
}

// The members of env, in the order of the file, with the types that one environment or another
// gives them.
class EnvInterface {
 public:
  explicit EnvInterface(bool isLiteral) : isLiteral_(isLiteral) {}

  void add(const Project& project) {
    ++environments_;
    std::set<std::string> local;  // What .dev.vars gives `atoll dev`, and secrets a deployment.
    for (const auto& [name, value] : readDevVars(project.directory)) local.insert(name);
    std::map<std::string, std::string> types;
    for (const auto& [name, value] : project.vars) {
      if (!local.contains(name)) note(types, name, typeOf(value, isLiteral_));
    }
    for (const ProjectKv& kv : project.kv) note(types, kv.binding, "KVNamespace");
    for (const ProjectService& service : project.services) {
      note(types, service.binding, serviceType(project, service));
    }
    if (project.assets && !project.assets->binding.empty()) {
      note(types, project.assets->binding, "Fetcher");
    }
    for (const std::string& name : local) note(types, name, "string");
    for (const auto& [name, type] : types) {
      Member& member = members_[name];
      ++member.environments;
      if (std::ranges::find(member.types, type) == member.types.end()) {
        member.types.push_back(type);
      }
    }
  }

  // name, or name? where an environment is without it -> type
  std::vector<std::pair<std::string, std::string>> members() const {
    std::vector<std::pair<std::string, std::string>> list;
    for (const std::string& name : order_) {
      const Member& member = members_.at(name);
      std::string type;
      for (const std::string& one : member.types) type += (type.empty() ? "" : " | ") + one;
      const bool isOptional = member.environments < environments_;
      list.emplace_back(memberName(name) + (isOptional ? "?" : ""), std::move(type));
    }
    return list;
  }

 private:
  struct Member {
    std::vector<std::string> types;
    int environments = 0;
  };

  void note(std::map<std::string, std::string>& types, const std::string& name, std::string type) {
    if (!members_.contains(name) && !types.contains(name)) order_.push_back(name);
    types[name] = std::move(type);
  }

  bool isLiteral_;
  int environments_ = 0;
  std::vector<std::string> order_;
  std::map<std::string, Member> members_;
};

// "**/*.md" -> "*.md", "data/one.csv" -> "*/one.csv": TypeScript takes one star.
std::string moduleOfGlob(const std::string& glob) {
  std::string name = glob.substr(glob.rfind('/') + 1);
  const bool isStar = name.starts_with('*');
  const bool isPlain = name.find_first_of("*?{}[]\"\\\n", isStar ? 1 : 0) == std::string::npos;
  if (!isPlain || name.size() < 2) return {};
  return isStar ? name : "*/" + name;
}

// Modules that the project's own rules make of files.
std::string moduleDeclarations(const Project& project) {
  // Of isolates/types: to declare them twice is an error.
  std::set<std::string> declared = {"*.wasm", "*.wasm?module", "*.txt", "*.html", "*.sql", "*.bin"};
  static const std::map<std::string, std::string> kTypes = {
      {"application/wasm", "WebAssembly.Module"},
      {"text/plain", "string"},
      {"application/octet-stream", "ArrayBuffer"}};
  std::string text;
  for (const ModuleRule& rule : project.rules) {
    const auto type = kTypes.find(rule.contentType);
    if (type == kTypes.end()) continue;
    for (const std::string& glob : rule.globs) {
      const std::string module = moduleOfGlob(glob);
      if (module.empty()) {
        if (!glob.ends_with("?module")) {
          warn("rules: no module can be declared for the glob \"" + glob + "\"");
        }
      } else if (declared.insert(module).second) {
        text += "\ndeclare module " + inQuotes(module) + " {\n  const value: " + type->second +
                ";\n  export default value;\n}\n";
      }
    }
  }
  return text;
}

// A file of somebody's own is not ours to replace.
void checkReplaceable(const std::string& file) {
  std::error_code ignored;
  if (!fs::exists(fs::symlink_status(file, ignored))) return;
  const std::string head = readFile(file).substr(0, 500);
  if (!head.starts_with(kMark) && !head.contains("Generated by Wrangler")) {
    throw CliError(file + " was not made by `atoll types`: move it away first");
  }
}

bool hasTypesPackage(const fs::path& directory) {
  std::error_code ignored;
  for (fs::path path = directory;; path = path.parent_path()) {
    if (fs::exists(path / "node_modules/atoll-types/package.json", ignored)) return true;
    if (!path.has_relative_path()) return false;
  }
}

}  // namespace

void writeTypes(const Globals& globals, const TypesOptions& options) {
  const Project project = loadProject(options.path, options.environment);
  EnvInterface env(!options.isLoose);
  env.add(project);
  if (options.environment.empty()) {
    for (const std::string& name : environmentNames(project.directory)) {
      env.add(loadProject(project.directory, name));
    }
  }
  const std::string from =
      project.configFile.empty() ? "" : " from " + fs::path(project.configFile).filename().string();
  std::string text = std::string(kMark) + from +
                     ", which makes it anew: changes here are lost.\n"
                     "/// <reference types=\"atoll-types\" />\n\n"
                     "declare namespace Cloudflare {\n  interface Env {\n";
  Json shown = Json::object();
  for (const auto& [name, type] : env.members()) {
    text += "    " + name + ": " + type + ";\n";
    shown[name] = type;
  }
  text += "  }\n}\ninterface Env extends Cloudflare.Env {}\n" + moduleDeclarations(project);

  const std::string file = (fs::path(project.directory) / kFileName).string();
  checkReplaceable(file);
  writeFile(file, text);
  say(globals, "Wrote " + file + ", " + std::to_string(shown.size()) +
                   (shown.size() == 1 ? " binding" : " bindings"));
  if (!hasTypesPackage(project.directory)) {
    warn(
        "the declarations of the platform are not installed here: "
        "npm install --save-dev PATH/TO/atoll/isolates/types");
  }
  sayJson(globals, {{"file", file}, {"env", std::move(shown)}});
}

}  // namespace atolld::cli
