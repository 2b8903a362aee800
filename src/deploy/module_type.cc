#include "deploy/deployment.h"

#include <algorithm>
#include <utility>

namespace atolld::deploy {

std::string_view moduleTypeName(ModuleType type) {
  switch (type) {
    case ModuleType::EsModule:
      return "esm";
    case ModuleType::CommonJs:
      return "cjs";
    case ModuleType::Wasm:
      return "wasm";
    case ModuleType::Text:
      return "text";
    case ModuleType::Data:
      return "data";
    case ModuleType::Json:
      return "json";
    case ModuleType::SourceMap:
      return "source_map";
  }
  return "data";
}

std::optional<ModuleType> parseModuleType(std::string_view name) {
  for (const ModuleType type :
       {ModuleType::EsModule, ModuleType::CommonJs, ModuleType::Wasm, ModuleType::Text,
        ModuleType::Data, ModuleType::Json, ModuleType::SourceMap}) {
    if (moduleTypeName(type) == name) return type;
  }
  return std::nullopt;
}

std::string sourceMapName(std::string_view module) { return std::string(module) + ".map"; }

void takeSourceMaps(Version& version) {
  const auto isCode = [](const Module& module) { return module.type != ModuleType::SourceMap; };
  const auto maps = std::ranges::stable_partition(version.modules, isCode);
  for (Module& module : maps) {
    module.content = {};
    version.sourceMaps.push_back(std::move(module));
  }
  version.modules.erase(maps.begin(), maps.end());
}

const std::string& bindingName(const Binding& binding) {
  return std::visit([](const auto& b) -> const std::string& { return b.name; }, binding);
}

std::string_view bindingTypeName(const Binding& binding) {
  struct Name {
    std::string_view operator()(const TextBinding&) const { return "plain_text"; }
    std::string_view operator()(const JsonBinding&) const { return "json"; }
    std::string_view operator()(const KvBinding&) const { return "kv_namespace"; }
    std::string_view operator()(const ServiceBinding&) const { return "service"; }
    std::string_view operator()(const SecretBinding&) const { return "secret_text"; }
    std::string_view operator()(const AssetsBinding&) const { return "assets"; }
  };
  return std::visit(Name{}, binding);
}

}  // namespace atolld::deploy
