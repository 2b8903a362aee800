#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/result.h"

namespace atolld::assets {
class Site;
}

namespace atolld::deploy {

enum class ModuleType : std::uint8_t {
  EsModule,
  CommonJs,
  Wasm,
  Text,
  Data,
  Json,
  SourceMap  ///< Not for scripts: what another module was made from (sourceMapName()).
};

/// The name in JSON and MIME-like contexts: "esm", "cjs", "wasm", "text", "data", "json",
/// "source_map".
std::string_view moduleTypeName(ModuleType type);
std::optional<ModuleType> parseModuleType(std::string_view name);

struct Module {
  std::string name;  ///< As imported: a relative path without "./" ("lib/util.js").
  ModuleType type = ModuleType::EsModule;
  Bytes content;
  std::string hash;  ///< Lower-case hex SHA-256 of the content: what the store shares it by.
};

/// What the source map of a module is called: "index.js.map".
std::string sourceMapName(std::string_view module);

struct TextBinding {
  std::string name, value;
};
struct JsonBinding {
  std::string name, json;  ///< Valid JSON text.
};
struct KvBinding {
  std::string name, namespaceId;
};
/// Another script of the tenant: its `entrypoint` (a named export; empty: the default one).
struct ServiceBinding {
  std::string name, service, entrypoint;
  std::string props;  ///< JSON text of its ctx.props; may be empty.
};
/// A text that only the script may see. In rows it is sealed with the cluster's key; `value` is
/// there in an upload and in a version that was loaded to be run, and nowhere else.
struct SecretBinding {
  std::string name, sealed, value;
};
/// The version's own static files.
struct AssetsBinding {
  std::string name;
};
/// A member of a script's `env`.
using Binding =
    std::variant<TextBinding, JsonBinding, KvBinding, ServiceBinding, SecretBinding, AssetsBinding>;

const std::string& bindingName(const Binding& binding);
/// As uploads name it: "plain_text", "json", "kv_namespace", "service", "secret_text", "assets".
std::string_view bindingTypeName(const Binding& binding);

/// One immutable upload of a script. Shared between threads; never changed once made.
struct Version {
  std::string
      id;  ///< Lower-case hex SHA-256 over all below but `createdAt`, `number` and the notes.
  std::string tenant;
  std::string script;
  std::uint64_t number = 0;  ///< 1, 2, 3 … per script, in upload order.
  std::string mainModule;    ///< Name of an EsModule or CommonJs module in `modules`; empty: the
                             ///< version has static files only.
  std::vector<Module> modules;
  /// Of a version that is to be run: its source maps, without contents; they are not in `modules`
  /// then. See takeSourceMaps().
  std::vector<Module> sourceMaps;
  std::vector<Binding> bindings;
  std::string compatibilityDate;  ///< "YYYY-MM-DD".
  std::vector<std::string> compatibilityFlags;
  std::string assetsHash;  ///< Lower-case hex; what its static files are. Empty: it has none.
  UnixMillis createdAt{};
  std::string message;  ///< The uploader's note; may be empty.
  std::string tag;      ///< The uploader's name for it; may be empty.
  /// Of a version that was loaded to be run and has static files; else null.
  std::shared_ptr<const assets::Site> assets;
};

/// Makes a version one that can be run: source maps leave its modules.
void takeSourceMaps(Version& version);

/// Which version(s) of a script answer. Light: it names versions and holds no code.
struct Deployment {
  struct Share {
    std::string versionId;
    double percent = 100;
  };
  std::string tenant;
  std::string script;
  std::uint64_t number = 0;   ///< 1, 2, 3 … per script.
  std::vector<Share> shares;  ///< Never empty; percents add up to 100.
  UnixMillis createdAt{};
  std::string message;
};

/// hostname and optional path pattern -> script. Patterns: "host", "host/path*", "*.host/…".
/// A trailing '*' in the path matches any rest; without one the path matches exactly.
struct Route {
  std::string pattern;  ///< Canonical: lower-case host, no scheme, path kept as given.
  std::string tenant;
  std::string script;
  bool isCustomDomain = false;  ///< Set as a hostname of the script's own: Registry::setRoutes().
};

}  // namespace atolld::deploy
