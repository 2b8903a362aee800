#include "deploy/deployment.h"

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
  }
  return "data";
}

std::optional<ModuleType> parseModuleType(std::string_view name) {
  for (const ModuleType type : {ModuleType::EsModule, ModuleType::CommonJs, ModuleType::Wasm,
                                ModuleType::Text, ModuleType::Data, ModuleType::Json}) {
    if (moduleTypeName(type) == name) return type;
  }
  return std::nullopt;
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
