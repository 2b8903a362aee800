#include "deploy/upload_check.h"

#include <algorithm>
#include <chrono>
#include <format>
#include <nlohmann/json.hpp>
#include <ranges>

#include "base/encoding.h"
#include "deploy/compatibility.h"
#include "deploy/source_map.h"
#include "store/crypto.h"
#include "store/utf8.h"

namespace atolld::deploy {
namespace {

constexpr std::size_t kModuleNameBytesMax = 512;
constexpr std::size_t kBindingNameBytesMax = 256;
constexpr std::size_t kFlagBytesMax = 64;
constexpr std::size_t kFlagCountMax = 100;
constexpr std::size_t kMessageBytesMax = 1024;
constexpr std::string_view kWasmMagic("\0asm\1\0\0\0", 8);

bool hasControlCharacter(std::string_view text) {
  return std::ranges::any_of(
      text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == '\x7f'; });
}

std::unexpected<Error> invalid(std::string detail) {
  return fail(ErrorCode::InvalidArgument, std::move(detail));
}

std::string_view withoutDotSlash(std::string_view name) {
  while (name.starts_with("./")) name.remove_prefix(2);
  return name;
}

/// "node:fs", "https://…": an import of it would never look for a module of the script.
bool looksLikeUrl(std::string_view name) {
  const std::string_view scheme = name.substr(0, name.find_first_of(":/"));
  return scheme.size() < name.size() && name[scheme.size()] == ':';
}

/// Why no module may be called this; nothing if it may.
std::string_view moduleNameFault(std::string_view name) {
  if (name.empty()) return "is empty";
  if (!store::isUtf8(name)) return "is not valid UTF-8";
  if (hasControlCharacter(name)) return "has a control character";
  if (name.front() == '/') return "is an absolute path: give it relative to the script's folder";
  if (name.contains('\\')) return "has a backslash: separate folders with '/'";
  if (looksLikeUrl(name)) return "looks like a URL";
  for (const auto part : std::views::split(name, '/')) {
    const std::string_view segment(part.begin(), part.end());
    if (segment == "..") return "leaves the script's folder";
    if (segment.empty() || segment == ".") return "has an empty folder name or '.' in it";
  }
  return {};
}

Result<> checkModuleName(std::string_view name) {
  if (name.size() > kModuleNameBytesMax) {
    return fail(ErrorCode::TooLarge, std::format("a module name has {} bytes: at most {} are "
                                                 "allowed",
                                                 name.size(), kModuleNameBytesMax));
  }
  if (const std::string_view fault = moduleNameFault(name); !fault.empty()) {
    const bool isPrintable = store::isUtf8(name) && !hasControlCharacter(name);
    return invalid(std::format("module name \"{}\" {}", isPrintable ? name : "…", fault));
  }
  return {};
}

Result<> checkModuleContent(const Module& module) {
  const std::string_view content = module.content.view();
  if (module.type == ModuleType::Json && !nlohmann::json::accept(content)) {
    return invalid(std::format("module {} is not valid JSON", module.name));
  }
  if (module.type == ModuleType::SourceMap) {
    if (const auto map = SourceMap::parse(content); !map) {
      return invalid(std::format("module {}: {}", module.name, map.error().detail));
    }
  }
  if (module.type == ModuleType::Wasm && !content.starts_with(kWasmMagic)) {
    return invalid(
        std::format("module {} is not a WebAssembly module: it does not start with the "
                    "magic bytes of version 1",
                    module.name));
  }
  return {};
}

Result<> canonicaliseModules(Upload& upload, const UploadLimits& limits) {
  if (upload.modules.size() > limits.moduleCountMax) {
    return fail(ErrorCode::TooLarge,
                std::format("the script has {} modules: at most {} are allowed",
                            upload.modules.size(), limits.moduleCountMax));
  }
  std::uint64_t totalBytes = 0;
  for (Module& module : upload.modules) {
    module.name = withoutDotSlash(module.name);
    ATOLL_TRY_VOID(checkModuleName(module.name));
    totalBytes += module.content.size();
  }
  if (totalBytes > limits.scriptBytesMax) {
    return fail(ErrorCode::TooLarge, std::format("the script's modules have {} bytes: at most {} "
                                                 "are allowed",
                                                 totalBytes, limits.scriptBytesMax));
  }
  std::ranges::sort(upload.modules, {}, &Module::name);
  const auto twin = std::ranges::adjacent_find(upload.modules, {}, &Module::name);
  if (twin != upload.modules.end()) {
    return invalid(std::format("module {} is there twice", twin->name));
  }
  for (Module& module : upload.modules) {
    ATOLL_TRY_VOID(checkModuleContent(module));
    module.hash = toHex(store::sha256(module.content.view()));
  }
  return {};
}

Result<> checkMainModule(Upload& upload) {
  upload.mainModule = withoutDotSlash(upload.mainModule);
  if (upload.mainModule.empty()) {
    if (upload.assets && upload.modules.empty()) return {};
    return invalid("the upload names no main module");
  }
  ATOLL_TRY_VOID(checkModuleName(upload.mainModule));
  const auto main = std::ranges::find(upload.modules, upload.mainModule, &Module::name);
  if (main == upload.modules.end()) {
    return invalid(std::format("main module {} is not among the upload's {} modules",
                               upload.mainModule, upload.modules.size()));
  }
  if (main->type != ModuleType::EsModule && main->type != ModuleType::CommonJs) {
    return invalid(std::format("main module {} is of type {}: it must be JavaScript (esm or cjs)",
                               main->name, moduleTypeName(main->type)));
  }
  return {};
}

std::size_t valueBytes(const Binding& binding) {
  if (const auto* text = std::get_if<TextBinding>(&binding)) return text->value.size();
  if (const auto* json = std::get_if<JsonBinding>(&binding)) return json->json.size();
  if (const auto* kv = std::get_if<KvBinding>(&binding)) return kv->namespaceId.size();
  if (const auto* secret = std::get_if<SecretBinding>(&binding)) return secret->value.size();
  if (std::holds_alternative<AssetsBinding>(binding)) return 0;
  const auto& service = std::get<ServiceBinding>(binding);
  return service.service.size() + service.entrypoint.size() + service.props.size();
}

Result<> checkService(const ServiceBinding& binding) {
  if (const Result<> name = checkScriptName(binding.service); !name) {
    return fail(name.error(), std::format("binding {}", binding.name));
  }
  if (binding.entrypoint.size() > kBindingNameBytesMax || !store::isUtf8(binding.entrypoint) ||
      hasControlCharacter(binding.entrypoint)) {
    return invalid(std::format("binding {}: the entrypoint is no name of an export", binding.name));
  }
  if (!binding.props.empty() && !nlohmann::json::accept(binding.props)) {
    return invalid(std::format("binding {}: the props are not valid JSON", binding.name));
  }
  return {};
}

Result<> checkBinding(const Binding& binding, const UploadLimits& limits) {
  const std::string& name = bindingName(binding);
  if (name.empty() || name.size() > kBindingNameBytesMax || !store::isUtf8(name) ||
      hasControlCharacter(name)) {
    return invalid(
        std::format("a binding name must be 1 to {} bytes of UTF-8 without control "
                    "characters",
                    kBindingNameBytesMax));
  }
  if (name == "__proto__") return invalid("binding __proto__: choose another name");
  if (const std::size_t bytes = valueBytes(binding); bytes > limits.bindingBytesMax) {
    return fail(ErrorCode::TooLarge, std::format("binding {} has {} bytes: at most {} are allowed",
                                                 name, bytes, limits.bindingBytesMax));
  }
  if (const auto* text = std::get_if<TextBinding>(&binding); text && !store::isUtf8(text->value)) {
    return invalid(std::format("binding {} is not valid UTF-8", name));
  }
  if (const auto* secret = std::get_if<SecretBinding>(&binding);
      secret && !store::isUtf8(secret->value)) {
    return invalid(std::format("secret {} is not valid UTF-8", name));
  }
  if (const auto* json = std::get_if<JsonBinding>(&binding);
      json && !nlohmann::json::accept(json->json)) {
    return invalid(std::format("binding {} is not valid JSON", name));
  }
  if (const auto* service = std::get_if<ServiceBinding>(&binding)) return checkService(*service);
  return {};
}

Result<> checkAssetsBinding(const Upload& upload) {
  if (upload.assets) return {};
  const auto found = std::ranges::find_if(upload.bindings, [](const Binding& binding) {
    return std::holds_alternative<AssetsBinding>(binding);
  });
  if (found == upload.bindings.end()) return {};
  return invalid(std::format("binding {} is of type assets, and the upload has no static files",
                             bindingName(*found)));
}

Result<> canonicaliseFlags(Upload& upload) {
  if (upload.compatibilityFlags.size() > kFlagCountMax) {
    return fail(ErrorCode::TooLarge, std::format("{} compatibility flags: at most {} are allowed",
                                                 upload.compatibilityFlags.size(), kFlagCountMax));
  }
  for (const std::string& flag : upload.compatibilityFlags) {
    const bool isGood =
        !flag.empty() && flag.size() <= kFlagBytesMax && std::ranges::all_of(flag, [](char c) {
          return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
        });
    if (!isGood) return invalid("a compatibility flag is 1 to 64 of a-z, 0-9, '_' and '-'");
  }
  std::ranges::sort(upload.compatibilityFlags);
  const auto twins = std::ranges::unique(upload.compatibilityFlags);
  upload.compatibilityFlags.erase(twins.begin(), twins.end());
  return {};
}

}  // namespace

Result<> canonicaliseBindings(std::vector<Binding>& bindings, const UploadLimits& limits) {
  if (bindings.size() > limits.bindingCountMax) {
    return fail(ErrorCode::TooLarge,
                std::format("the script has {} bindings: at most {} are allowed", bindings.size(),
                            limits.bindingCountMax));
  }
  for (const Binding& binding : bindings) ATOLL_TRY_VOID(checkBinding(binding, limits));
  std::ranges::sort(bindings, {}, bindingName);
  const auto twin = std::ranges::adjacent_find(bindings, {}, bindingName);
  if (twin != bindings.end()) {
    return invalid(std::format("binding {} is there twice", bindingName(*twin)));
  }
  return {};
}

Result<> checkNote(std::string_view what, std::string_view note) {
  if (note.size() <= kMessageBytesMax && store::isUtf8(note)) return {};
  return invalid(std::format("the {} may have {} bytes of UTF-8", what, kMessageBytesMax));
}

Result<> canonicaliseUpload(Upload& upload, const UploadLimits& limits, UnixMillis today) {
  ATOLL_TRY_VOID(canonicaliseModules(upload, limits));
  ATOLL_TRY_VOID(checkMainModule(upload));
  ATOLL_TRY_VOID(canonicaliseBindings(upload.bindings, limits));
  ATOLL_TRY_VOID(checkAssetsBinding(upload));
  ATOLL_TRY_VOID(canonicaliseFlags(upload));
  if (upload.compatibilityDate.empty()) {
    upload.compatibilityDate = std::format("{:%F}", std::chrono::floor<std::chrono::days>(today));
  }
  ATOLL_TRY_VOID(checkCompatibility(upload.compatibilityDate, upload.compatibilityFlags));
  ATOLL_TRY_VOID(checkNote("tag", upload.tag));
  return checkNote("message", upload.message);
}

}  // namespace atolld::deploy
