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

}  // namespace atolld::deploy
