#pragma once

#include <string>
#include <utility>
#include <vector>

#include "deploy/registry.h"
#include "store/test_support.h"

namespace atolld::deploy::testing {

inline Module module(std::string name, std::string content,
                     ModuleType type = ModuleType::EsModule) {
  return {.name = std::move(name), .type = type, .content = Bytes(std::move(content)), .hash = {}};
}

/// An upload of one ES module.
inline Upload upload(std::string code) {
  Upload made;
  made.mainModule = "index.js";
  made.modules.push_back(module("index.js", std::move(code)));
  made.compatibilityDate = "2026-11-23";
  return made;
}

struct RegistryFixture {
  store::testing::TestDatabase database;
  Registry registry{*database, database.clock()};

  /// @return the version's id.
  std::string push(std::string_view script, std::string code, std::string_view tenant = "acme") {
    return registry.upload(tenant, script, upload(std::move(code))).value().id;
  }
  Deployment activate(std::string_view script, std::string id, std::string_view tenant = "acme") {
    return registry.activate(tenant, script, {{.versionId = std::move(id), .percent = 100}}, "")
        .value();
  }
};

}  // namespace atolld::deploy::testing
