#include <algorithm>
#include <cstdio>
#include <ctime>
#include <filesystem>

#include "api_client.h"
#include "assets.h"
#include "base/encoding.h"
#include "bundle.h"
#include "commands.h"
#include "project.h"
#include "subprocess.h"

namespace atolld::cli {
namespace {

namespace fs = std::filesystem;

std::string today() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&now, &parts);
  char text[16];
  std::strftime(text, sizeof text, "%Y-%m-%d", &parts);
  return text;
}

Project openProject(const DeployOptions& options) {
  std::error_code ignored;
  if (fs::is_directory(options.path, ignored)) {
    return loadProject(options.path, options.environment);
  }
  if (!fs::exists(options.path, ignored)) {
    throw CliError(options.path + " is not there: name a project directory or a module");
  }
  const std::string name = fs::path(options.path).filename().string();
  if (name == "wrangler.json" || name == "wrangler.jsonc" || name == "wrangler.toml") {
    const std::string directory = fs::absolute(options.path).parent_path().string();
    return loadProject(directory, options.environment);
  }
  if (!options.environment.empty()) {
    throw CliError("--env is for project directories: " + options.path + " is a single module", 2);
  }
  return projectOfFile(options.path);
}

void runBuildCommand(const Globals& globals, const Project& project) {
  if (project.buildCommand.empty()) return;
  say(globals, "Running " + project.buildCommand);
  const ProcessResult result =
      runProcess({"/bin/sh", "-c", project.buildCommand}, project.buildDirectory, false);
  if (result.exitCode != 0) {
    throw CliError("build.command failed with exit code " + std::to_string(result.exitCode) + ": " +
                   project.buildCommand);
  }
  if (!project.main.empty() && !fs::is_regular_file(project.main)) {
    throw CliError("build.command did not make the entry " + project.main);
  }
}

Modules buildModules(const Project& project, const DeployOptions& options) {
  if (project.main.empty()) return {};
  const bool needed = needsBundling(project.main);
  if (options.noBundle && needed) {
    throw CliError(project.main + " is no JavaScript: it cannot go without bundling", 2);
  }
  const bool wanted = options.bundle || needed || (!project.noBundle && !options.noBundle);
  if (!wanted) return collectModules(project);
  if (const auto esbuild = findEsbuild(project.directory)) return bundleModules(project, *esbuild);
  if (needed || options.bundle) {
    throw CliError("esbuild is needed to bundle " + project.main +
                   ": run `npm install --save-dev esbuild`");
  }
  warn("esbuild is not installed: the modules go as they are");
  Project plain = project;
  plain.findAdditionalModules = true;
  return collectModules(plain);
}

// The id of the namespace with this title, made if there is none.
std::string ensureNamespace(ApiClient& client, const std::string& title) {
  const auto find = [&]() -> std::string {
    const Json list = client.get("/kv/namespaces");
    for (const Json& kv : list.at("namespaces")) {
      if (kv.at("title") == title) return kv.at("id");
    }
    return {};
  };
  if (std::string id = find(); !id.empty()) return id;
  const Json wanted = {{"title", title}};
  const auto made = client.trySend("POST", "/kv/namespaces", wanted.dump(), "application/json");
  if (made.status < 400) return made.json().at("id");
  // Somebody else may have made it meanwhile.
  if (std::string id = find(); !id.empty()) return id;
  return client.post("/kv/namespaces", wanted).at("id");
}

std::string bindingTitle(const Project& project, const ProjectKv& kv) {
  return project.name + "-" + kv.binding;
}

Json bindingsOf(const Project& project, const DeployOptions& options, ApiClient* client) {
  Json bindings = Json::array();
  std::vector<std::pair<std::string, Json>> vars = project.vars;
  for (const std::string& pair : options.vars) {
    const std::size_t cut = pair.find_first_of("=:");
    if (cut == std::string::npos || cut == 0) {
      throw CliError("--var " + pair + ": write NAME=value", 2);
    }
    const std::string name = pair.substr(0, cut);
    std::erase_if(vars, [&](const auto& var) { return var.first == name; });
    vars.emplace_back(name, pair.substr(cut + 1));
  }
  for (const auto& [name, value] : vars) {
    if (value.is_string()) {
      bindings.push_back({{"type", "plain_text"}, {"name", name}, {"text", value}});
    } else {
      bindings.push_back({{"type", "json"}, {"name", name}, {"json", value}});
    }
  }
  for (const ProjectKv& kv : project.kv) {
    std::string id = kv.id;
    if (id.empty() && client) id = ensureNamespace(*client, bindingTitle(project, kv));
    bindings.push_back({{"type", "kv_namespace"}, {"name", kv.binding}, {"namespace_id", id}});
  }
  for (const ProjectService& service : project.services) {
    Json binding = {{"type", "service"}, {"name", service.binding}, {"service", service.service}};
    if (!service.entrypoint.empty()) binding["entrypoint"] = service.entrypoint;
    if (!service.props.is_null()) binding["props"] = service.props;
    bindings.push_back(std::move(binding));
  }
  if (project.assets && !project.assets->binding.empty()) {
    bindings.push_back({{"type", "assets"}, {"name", project.assets->binding}});
  }
  return bindings;
}

// "2 modules, 1.2 KB": what runs, without its source map.
std::string sizesText(const Modules& modules) {
  std::uint64_t count = 0;
  std::uint64_t bytes = 0;
  for (const UploadPart& module : modules) {
    if (module.contentType == kSourceMapType) continue;
    ++count;
    bytes += module.content.size();
  }
  return std::to_string(count) + (count == 1 ? " module, " : " modules, ") + sizeText(bytes);
}

void printPlan(const Globals& globals, const Project& project, const Modules& modules,
               const std::vector<AssetFile>& files, const Json& metadata) {
  Json list = Json::array();
  Json assets = Json::array();
  say(globals, "Would deploy " + project.name + ":");
  for (const UploadPart& module : modules) {
    say(globals,
        "  " + module.name + "  " + module.contentType + "  " + sizeText(module.content.size()));
    list.push_back({{"name", module.name},
                    {"content_type", module.contentType},
                    {"size_bytes", module.content.size()}});
  }
  for (const AssetFile& file : files) {
    say(globals, "  " + file.path + "  " + file.contentType + "  " + sizeText(file.sizeBytes));
    assets.push_back(
        {{"path", file.path}, {"content_type", file.contentType}, {"size_bytes", file.sizeBytes}});
  }
  sayJson(globals, {{"script", project.name},
                    {"metadata", metadata},
                    {"modules", list},
                    {"assets", assets},
                    {"routes", project.routes}});
}

void addRoutes(const Globals& globals, ApiClient& client, const Project& project, Json& answer) {
  if (project.routes.empty()) return;
  Json added = Json::array();
  for (const std::string& pattern : project.routes) {
    const Json route = client.post("/routes", {{"pattern", pattern}, {"script", project.name}});
    added.push_back(route.at("pattern"));
    say(globals, "  route " + route.at("pattern").get<std::string>());
  }
  answer["routes"] = std::move(added);
}

void addDevVars(Project& project) {
  for (auto& [name, value] : readDevVars(project.directory)) {
    std::erase_if(project.vars, [&](const auto& var) { return var.first == name; });
    project.vars.emplace_back(name, std::move(value));
  }
}

void makeLocal(Project& project) {
  for (ProjectKv& kv : project.kv) kv.id.clear();
  project.routes = {"localhost", "127.0.0.1"};
  addDevVars(project);
}

Json metadataOf(const Project& project, const Modules& modules, const DeployOptions& options) {
  Json metadata = {{"compatibility_date",
                    project.compatibilityDate.empty() ? today() : project.compatibilityDate},
                   {"compatibility_flags", project.compatibilityFlags},
                   // Secrets are set beside the project's file: a deploy never takes one away.
                   {"keep_bindings", {"secret_text"}}};
  if (!modules.empty()) metadata["main_module"] = modules.front().name;
  if (!options.message.empty()) metadata["annotations"] = {{"workers/message", options.message}};
  return metadata;
}

}  // namespace

void deploy(const Globals& globals, const DeployOptions& options) {
  Project project = openProject(options);
  if (!options.name.empty()) project.name = options.name;
  if (options.isLocal) makeLocal(project);
  runBuildCommand(globals, project);
  const Modules modules = buildModules(project, options);
  std::vector<AssetFile> files;
  if (project.assets) files = collectAssets(*project.assets);
  Json metadata = metadataOf(project, modules, options);
  if (options.dryRun) {
    metadata["bindings"] = bindingsOf(project, options, nullptr);
    return printPlan(globals, project, modules, files, metadata);
  }
  ApiClient client(findEndpoint(globals));
  metadata["bindings"] = bindingsOf(project, options, &client);
  if (project.assets) metadata["assets"] = uploadAssets(globals, client, project, files);

  std::vector<UploadPart> parts = {{"metadata", "", "application/json", metadata.dump()}};
  parts.insert(parts.end(), modules.begin(), modules.end());
  const std::string path = "/scripts/" + percentEncode(project.name);
  Json answer = client.postForm(path + (options.uploadOnly ? "/versions" : "/deploy"), parts);

  const Json& version = answer.at("version");
  const std::string id = shortId(version.at("id").get<std::string>());
  say(globals, std::string(options.uploadOnly ? "Uploaded " : "Deployed ") + project.name +
                   " version " + version.at("number").dump() + " (" + id + "), " +
                   sizesText(modules));
  if (!options.uploadOnly) {
    for (const Json& url : answer.value("urls", Json::array())) {
      say(globals, "  " + url.get<std::string>());
    }
    addRoutes(globals, client, project, answer);
  }
  sayJson(globals, answer);
}

}  // namespace atolld::cli
