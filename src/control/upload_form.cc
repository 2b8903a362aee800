#include "control/upload_form.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

#include "control/assets_api.h"
#include "control/json.h"
#include "control/multipart.h"

namespace atolld::control {
namespace {

constexpr std::string_view kWhat = "metadata";
constexpr std::string_view kAssets = "metadata.assets";

// "./lib/a.js" and "lib/a.js" are one module.
std::string_view withoutDotSlash(std::string_view name) {
  while (name.starts_with("./")) name.remove_prefix(2);
  return name;
}

std::optional<deploy::ModuleType> moduleTypeOf(const FormPart& part) {
  static constexpr struct {
    std::string_view contentType;
    deploy::ModuleType type;
  } kTypes[] = {
      {"application/javascript+module", deploy::ModuleType::EsModule},
      {"text/javascript+module", deploy::ModuleType::EsModule},
      {"application/javascript", deploy::ModuleType::CommonJs},
      {"text/javascript", deploy::ModuleType::CommonJs},
      {"application/wasm", deploy::ModuleType::Wasm},
      {"application/json", deploy::ModuleType::Json},
      {"application/octet-stream", deploy::ModuleType::Data},
      {"text/plain", deploy::ModuleType::Text},
      {"text/html", deploy::ModuleType::Text},
      {"application/source-map", deploy::ModuleType::SourceMap},
  };
  for (const auto& [contentType, type] : kTypes) {
    if (part.contentType == contentType) return type;
  }
  return std::nullopt;
}

Result<deploy::Module> readModule(const FormPart& part) {
  const auto type = moduleTypeOf(part);
  if (!type) {
    return fail(ErrorCode::InvalidArgument,
                "module \"" + part.name + "\": content type \"" + part.contentType +
                    "\" is none of application/javascript+module, application/javascript, "
                    "application/wasm, application/json, application/octet-stream, text/plain");
  }
  return deploy::Module{.name = std::string(withoutDotSlash(part.name)),
                        .type = *type,
                        .content = part.content,
                        .hash = {}};
}

Result<deploy::Binding> readBinding(const Json& json) {
  if (!json.is_object())
    return fail(ErrorCode::InvalidArgument, "metadata: a binding is no object");
  ATOLL_TRY(std::string name, requireString(json, "name", "metadata: a binding"));
  const std::string what = "binding \"" + name + "\"";
  ATOLL_TRY(const std::string type, requireString(json, "type", what));
  if (type == "plain_text") {
    ATOLL_TRY(std::string text, requireString(json, "text", what));
    return deploy::Binding(deploy::TextBinding{std::move(name), std::move(text)});
  }
  if (type == "json") {
    const auto value = json.find("json");
    if (value == json.end()) {
      return fail(ErrorCode::InvalidArgument, what + ": \"json\" is missing");
    }
    return deploy::Binding(deploy::JsonBinding{std::move(name), writeJson(*value)});
  }
  if (type == "secret_text") {
    ATOLL_TRY(std::string text, requireString(json, "text", what));
    return deploy::Binding(deploy::SecretBinding{std::move(name), {}, std::move(text)});
  }
  if (type == "assets") return deploy::Binding(deploy::AssetsBinding{std::move(name)});
  if (type == "kv_namespace") {
    ATOLL_TRY(std::string id, requireString(json, "namespace_id", what));
    return deploy::Binding(deploy::KvBinding{std::move(name), std::move(id)});
  }
  if (type == "service") {
    ATOLL_TRY(std::string service, requireString(json, "service", what));
    ATOLL_TRY(auto entrypoint, findString(json, "entrypoint", what));
    const auto props = json.find("props");
    return deploy::Binding(deploy::ServiceBinding{
        std::move(name), std::move(service), std::move(entrypoint).value_or(""),
        props == json.end() || props->is_null() ? std::string() : writeJson(*props)});
  }
  return fail(ErrorCode::InvalidArgument,
              what + " is of type \"" + type +
                  "\", which this node does not offer; it has plain_text, json, secret_text, "
                  "kv_namespace, service, assets and inherit");
}

Result<std::vector<std::string>> readTexts(const Json& metadata, std::string_view name) {
  std::vector<std::string> texts;
  const auto member = metadata.find(name);
  if (member == metadata.end() || member->is_null()) return texts;
  const std::string what = "metadata: \"" + std::string(name) + "\"";
  if (!member->is_array()) return fail(ErrorCode::InvalidArgument, what + " is no array");
  for (const Json& text : *member) {
    if (!text.is_string()) {
      return fail(ErrorCode::InvalidArgument, what + " has a member that is no string");
    }
    texts.push_back(text.get<std::string>());
  }
  return texts;
}

// A binding of its own, or one that the version before has.
Result<> addBinding(const Json& json, deploy::Upload& upload) {
  ATOLL_TRY(const auto type, findString(json, "type", "metadata: a binding"));
  if (type != "inherit") {
    ATOLL_TRY(deploy::Binding binding, readBinding(json));
    upload.bindings.push_back(std::move(binding));
    return {};
  }
  ATOLL_TRY(std::string name, requireString(json, "name", "metadata: a binding"));
  ATOLL_TRY(auto from, findString(json, "old_name", "binding \"" + name + "\""));
  upload.inherited.push_back({std::move(name), std::move(from).value_or("")});
  return {};
}

// What an upload may ask for that would be missed, were it left out in silence.
Result<> refuseMissing(const Json& metadata) {
  for (const std::string_view name : {"migrations", "containers", "capnp_schema"}) {
    const auto member = metadata.find(name);
    if (member == metadata.end() || member->is_null()) continue;
    return fail(ErrorCode::InvalidArgument,
                "metadata: this node does not offer \"" + std::string(name) + "\" (yet)");
  }
  return {};
}

// true, false, or a list of paths.
Result<> readScriptFirst(const Json& config, assets::Config& out) {
  const auto member = config.find("run_worker_first");
  if (member == config.end() || member->is_null()) return {};
  if (member->is_boolean()) {
    out.isScriptFirst = member->get<bool>();
    return {};
  }
  ATOLL_TRY(out.scriptFirst, readTexts(config, "run_worker_first"));
  return {};
}

Result<assets::Config> readAssetConfig(const Json& config) {
  assets::Config out;
  ATOLL_TRY(const auto html, findString(config, "html_handling", kAssets));
  const auto htmlHandling = assets::parseHtmlHandling(html.value_or("auto-trailing-slash"));
  if (!htmlHandling) {
    return fail(ErrorCode::InvalidArgument,
                "metadata.assets: html_handling is auto-trailing-slash, force-trailing-slash, "
                "drop-trailing-slash or none");
  }
  out.html = *htmlHandling;
  ATOLL_TRY(const auto notFound, findString(config, "not_found_handling", kAssets));
  const auto notFoundHandling = assets::parseNotFoundHandling(notFound.value_or("none"));
  if (!notFoundHandling) {
    return fail(ErrorCode::InvalidArgument,
                "metadata.assets: not_found_handling is none, 404-page or "
                "single-page-application");
  }
  out.notFound = *notFoundHandling;
  ATOLL_TRY(const auto base, findString(config, "base_path", kAssets));
  if (base && *base != "" && *base != "/") {
    return fail(ErrorCode::InvalidArgument,
                "metadata.assets: this node does not offer base_path (yet)");
  }
  ATOLL_TRY_VOID(readScriptFirst(config, out));
  ATOLL_TRY(auto redirects, findString(config, "_redirects", kAssets));
  out.redirects = std::move(redirects).value_or("");
  ATOLL_TRY(auto headers, findString(config, "_headers", kAssets));
  out.headers = std::move(headers).value_or("");
  return out;
}

// {"jwt": …, "config": {…}}; or keep_assets beside it.
Result<> readAssets(const Json& metadata, deploy::Upload& upload) {
  const auto kept = metadata.find("keep_assets");
  if (kept != metadata.end() && *kept == true) upload.assets.emplace();
  const auto assets = metadata.find("assets");
  if (assets == metadata.end() || assets->is_null()) return {};
  if (!assets->is_object()) return fail(ErrorCode::InvalidArgument, "metadata.assets is no object");
  ATOLL_TRY(const std::string token, requireString(*assets, "jwt", kAssets));
  upload.assets.emplace();
  upload.assets->session = sessionOf(token);
  const auto config = assets->find("config");
  if (config == assets->end() || config->is_null()) return {};
  if (!config->is_object()) {
    return fail(ErrorCode::InvalidArgument, "metadata.assets.config is no object");
  }
  ATOLL_TRY(upload.assets->config, readAssetConfig(*config));
  return {};
}

Result<deploy::Upload> readMetadata(const FormPart& part) {
  ATOLL_TRY(const Json metadata, parseJson(part.content.view(), kWhat));
  if (!metadata.is_object()) return fail(ErrorCode::InvalidArgument, "metadata is no JSON object");
  deploy::Upload upload;
  // A script that listens for "fetch" instead of exporting handlers comes as body_part.
  const std::string_view main = metadata.contains("body_part") ? "body_part" : "main_module";
  ATOLL_TRY_VOID(readAssets(metadata, upload));
  // Static files need no script.
  if (!upload.assets || metadata.contains(main)) {
    ATOLL_TRY(const std::string mainModule, requireString(metadata, main, kWhat));
    upload.mainModule = withoutDotSlash(mainModule);
  }
  ATOLL_TRY(auto date, findString(metadata, "compatibility_date", kWhat));
  upload.compatibilityDate = std::move(date).value_or("");
  ATOLL_TRY(upload.compatibilityFlags, readTexts(metadata, "compatibility_flags"));
  ATOLL_TRY(upload.keptTypes, readTexts(metadata, "keep_bindings"));
  ATOLL_TRY_VOID(refuseMissing(metadata));
  if (const auto annotations = metadata.find("annotations"); annotations != metadata.end()) {
    ATOLL_TRY(auto message, findString(*annotations, "workers/message", "metadata.annotations"));
    upload.message = std::move(message).value_or("");
    ATOLL_TRY(auto tag, findString(*annotations, "workers/tag", "metadata.annotations"));
    upload.tag = std::move(tag).value_or("");
  }
  const auto bindings = metadata.find("bindings");
  if (bindings == metadata.end() || bindings->is_null()) return upload;
  if (!bindings->is_array()) {
    return fail(ErrorCode::InvalidArgument, "metadata: \"bindings\" is no array");
  }
  for (const Json& json : *bindings) ATOLL_TRY_VOID(addBinding(json, upload));
  return upload;
}

}  // namespace

Result<deploy::Upload> parseUploadForm(std::string_view contentType, const Bytes& body) {
  ATOLL_TRY(const std::vector<FormPart> parts, parseMultipart(contentType, body));
  const auto isMetadata = [](const FormPart& part) { return part.name == kWhat; };
  const auto metadata = std::find_if(parts.begin(), parts.end(), isMetadata);
  if (metadata == parts.end()) {
    return fail(ErrorCode::InvalidArgument,
                "the upload has no part \"metadata\": send a JSON object with main_module in it");
  }
  ATOLL_TRY(deploy::Upload upload, readMetadata(*metadata));

  std::set<std::string_view> names;
  for (const FormPart& part : parts) {
    if (!names.insert(withoutDotSlash(part.name)).second) {
      return fail(ErrorCode::InvalidArgument, "the upload has two parts \"" + part.name + "\"");
    }
    if (&part == &*metadata) continue;
    if (part.fileName && withoutDotSlash(*part.fileName) != withoutDotSlash(part.name)) {
      return fail(ErrorCode::InvalidArgument, "part \"" + part.name + "\" has the file name \"" +
                                                  *part.fileName +
                                                  "\": a module's part and file share one name");
    }
    ATOLL_TRY(deploy::Module module, readModule(part));
    upload.modules.push_back(std::move(module));
  }
  const bool hasMain =
      (upload.mainModule.empty() && upload.modules.empty()) ||
      std::any_of(upload.modules.begin(), upload.modules.end(),
                  [&](const deploy::Module& module) { return module.name == upload.mainModule; });
  if (!hasMain) {
    return fail(ErrorCode::InvalidArgument, "main_module is \"" + upload.mainModule +
                                                "\", but no module of that name was uploaded");
  }
  return upload;
}

}  // namespace atolld::control
