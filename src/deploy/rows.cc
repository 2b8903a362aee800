#include "deploy/rows.h"

#include "base/check.h"
#include "base/encoding.h"
#include "store/codec.h"
#include "store/crypto.h"

namespace atolld::deploy {
namespace {

using store::Decoder;
using store::Encoder;
using store::kHashBytes;

constexpr std::uint8_t kVersion = 1;
// Of rows with one field more; without it they are of the first: one value has one encoding.
constexpr std::uint8_t kVersion2 = 2;
constexpr std::uint8_t kText = 0;
constexpr std::uint8_t kJson = 1;
constexpr std::uint8_t kKv = 2;
constexpr std::uint8_t kService = 3;
constexpr std::uint8_t kSecret = 4;
constexpr std::uint8_t kAssets = 5;

std::int64_t millis(UnixMillis time) { return time.time_since_epoch().count(); }
UnixMillis timeOf(std::int64_t value) { return UnixMillis(std::chrono::milliseconds(value)); }

void checkVersion(Decoder& in) {
  if (in.u8() != kVersion) in.reject("has an unknown format version");
}

std::string takeAdded(Decoder& in) {
  std::string added(in.bytes());
  if (added.empty()) in.reject("has an empty field that it would not have");
  return added;
}

void encodeBinding(Encoder& out, const Binding& binding) {
  if (const auto* text = std::get_if<TextBinding>(&binding)) {
    out.u8(kText).bytes(text->name).bytes(text->value);
  } else if (const auto* json = std::get_if<JsonBinding>(&binding)) {
    out.u8(kJson).bytes(json->name).bytes(json->json);
  } else if (const auto* kv = std::get_if<KvBinding>(&binding)) {
    out.u8(kKv).bytes(kv->name).bytes(kv->namespaceId);
  } else if (const auto* secret = std::get_if<SecretBinding>(&binding)) {
    out.u8(kSecret).bytes(secret->name).bytes(secret->sealed);
  } else if (const auto* assets = std::get_if<AssetsBinding>(&binding)) {
    out.u8(kAssets).bytes(assets->name).bytes({});
  } else {
    const auto& service = std::get<ServiceBinding>(binding);
    out.u8(kService).bytes(service.name).bytes(service.service);
    out.bytes(service.entrypoint).bytes(service.props);
  }
}

Binding decodeBinding(Decoder& in) {
  const std::uint8_t kind = in.u8();
  std::string name(in.bytes());
  std::string value(in.bytes());
  switch (kind) {
    case kText:
      return TextBinding{std::move(name), std::move(value)};
    case kJson:
      return JsonBinding{std::move(name), std::move(value)};
    case kKv:
      return KvBinding{std::move(name), std::move(value)};
    case kService: {
      std::string entrypoint(in.bytes());
      std::string props(in.bytes());
      return ServiceBinding{std::move(name), std::move(value), std::move(entrypoint),
                            std::move(props)};
    }
    case kSecret:
      return SecretBinding{std::move(name), std::move(value), {}};
    case kAssets:
      if (!value.empty()) in.reject("has a binding with a value that it would not have");
      return AssetsBinding{std::move(name)};
    default:
      in.reject("has an unknown kind of binding");
      return TextBinding{};
  }
}

void decodeModules(Decoder& in, Manifest& manifest) {
  constexpr std::size_t kModuleBytesMin = 4 + 1 + kHashBytes + 8;
  const std::uint32_t count = in.count(kModuleBytesMin);
  for (std::uint32_t i = 0; i < count && in.ok(); ++i) {
    Module module;
    module.name = in.bytes();
    const std::uint8_t type = in.u8();
    if (type > static_cast<std::uint8_t>(ModuleType::SourceMap)) {
      in.reject("has an unknown module type");
    }
    module.type = static_cast<ModuleType>(type);
    module.hash = toHex(in.raw(kHashBytes));
    manifest.moduleBytes.push_back(in.u64());
    manifest.version.modules.push_back(std::move(module));
  }
}

Result<> decodeContent(std::string_view content, Manifest& manifest) {
  Decoder in(content);
  Version& version = manifest.version;
  const std::uint8_t format = in.u8();
  if (format != kVersion && format != kVersion2) in.reject("has an unknown format version");
  version.tenant = in.bytes();
  version.script = in.bytes();
  version.mainModule = in.bytes();
  decodeModules(in, manifest);
  const std::uint32_t bindingCount = in.count(1 + 4 + 4);
  for (std::uint32_t i = 0; i < bindingCount && in.ok(); ++i) {
    version.bindings.push_back(decodeBinding(in));
  }
  version.compatibilityDate = in.bytes();
  const std::uint32_t flagCount = in.count(4);
  for (std::uint32_t i = 0; i < flagCount && in.ok(); ++i) {
    version.compatibilityFlags.emplace_back(in.bytes());
  }
  if (format == kVersion2) version.assetsHash = toHex(in.raw(kHashBytes));
  return in.finish("version manifest");
}

}  // namespace

std::string scriptKey(std::string_view tenant, std::string_view script) {
  return std::string(tenant) + '\0' + std::string(script);
}

Result<ScriptName> parseScriptKey(std::string_view key) {
  const std::size_t separator = key.find('\0');
  if (separator == key.npos) return fail(ErrorCode::Corrupt, "a script row has a bad key");
  return ScriptName{key.substr(0, separator), key.substr(separator + 1)};
}

std::string encodeScript(const ScriptRow& row) {
  Encoder out;
  out.u8(row.newestVersionId.empty() ? kVersion : kVersion2);
  out.u64(row.versionNumber).u64(row.deploymentNumber).i64(millis(row.createdAt));
  if (!row.newestVersionId.empty()) out.bytes(row.newestVersionId);
  return out.take();
}

Result<ScriptRow> decodeScript(std::string_view row) {
  Decoder in(row);
  const std::uint8_t format = in.u8();
  if (format != kVersion && format != kVersion2) in.reject("has an unknown format version");
  ScriptRow script;
  script.versionNumber = in.u64();
  script.deploymentNumber = in.u64();
  script.createdAt = timeOf(in.i64());
  if (format == kVersion2) script.newestVersionId = takeAdded(in);
  ATOLL_TRY_VOID(in.finish("script row"));
  return script;
}

VersionSummary Manifest::summary() const {
  VersionSummary summary{.id = version.id,
                         .number = version.number,
                         .createdAt = version.createdAt,
                         .message = version.message,
                         .tag = version.tag,
                         .sizeBytes = 0};
  for (const std::uint64_t bytes : moduleBytes) summary.sizeBytes += bytes;
  return summary;
}

std::string versionKey(std::string_view tenant, std::string_view script, std::string_view id) {
  return scriptKey(tenant, script) + '\0' + std::string(id);
}

std::string encodeContent(const Version& version, const std::vector<std::uint64_t>& moduleBytes) {
  ATOLL_CHECK(version.modules.size() == moduleBytes.size());
  Encoder out;
  out.u8(version.assetsHash.empty() ? kVersion : kVersion2);
  out.bytes(version.tenant).bytes(version.script).bytes(version.mainModule);
  out.u32(static_cast<std::uint32_t>(version.modules.size()));
  for (std::size_t i = 0; i < moduleBytes.size(); ++i) {
    const Module& module = version.modules[i];
    out.bytes(module.name).u8(static_cast<std::uint8_t>(module.type));
    out.raw(parseHex(module.hash).value()).u64(moduleBytes[i]);
  }
  out.u32(static_cast<std::uint32_t>(version.bindings.size()));
  for (const Binding& binding : version.bindings) encodeBinding(out, binding);
  out.bytes(version.compatibilityDate);
  out.u32(static_cast<std::uint32_t>(version.compatibilityFlags.size()));
  for (const std::string& flag : version.compatibilityFlags) out.bytes(flag);
  if (!version.assetsHash.empty()) out.raw(parseHex(version.assetsHash).value());
  return out.take();
}

std::string encodeManifest(const Manifest& manifest) {
  const Version& version = manifest.version;
  Encoder out;
  out.u8(version.tag.empty() ? kVersion : kVersion2);
  out.u64(version.number).i64(millis(version.createdAt)).bytes(version.message);
  if (!version.tag.empty()) out.bytes(version.tag);
  return out.raw(encodeContent(version, manifest.moduleBytes)).take();
}

Result<Manifest> decodeManifest(std::string_view id, std::string_view row) {
  Decoder in(row);
  const std::uint8_t format = in.u8();
  if (format != kVersion && format != kVersion2) in.reject("has an unknown format version");
  Manifest manifest;
  manifest.version.id = id;
  manifest.version.number = in.u64();
  manifest.version.createdAt = timeOf(in.i64());
  manifest.version.message = in.bytes();
  if (format == kVersion2) manifest.version.tag = takeAdded(in);
  const std::string_view content = in.rest();
  ATOLL_TRY_VOID(in.finish("version manifest"));
  if (toHex(store::sha256(content)) != id) {
    return fail(ErrorCode::Corrupt, "version manifest is not the one its id names");
  }
  ATOLL_TRY_VOID(decodeContent(content, manifest));
  return manifest;
}

std::string moduleContentKey(std::string_view rawHash) { return "c" + std::string(rawHash); }

std::string moduleReferencePrefix(std::string_view rawHash) { return "r" + std::string(rawHash); }

std::string moduleReferenceKey(std::string_view rawHash, std::string_view versionKey) {
  return moduleReferencePrefix(rawHash) + std::string(versionKey);
}

std::string deploymentKey(std::string_view tenant, std::string_view script, std::uint64_t number) {
  return scriptKey(tenant, script) + '\0' + Encoder().u64(number).take();
}

std::string encodeDeployment(const Deployment& deployment) {
  Encoder out;
  out.u8(kVersion).bytes(deployment.tenant).bytes(deployment.script).u64(deployment.number);
  out.u32(static_cast<std::uint32_t>(deployment.shares.size()));
  for (const Deployment::Share& share : deployment.shares) {
    out.bytes(share.versionId).f64(share.percent);
  }
  return out.i64(millis(deployment.createdAt)).bytes(deployment.message).take();
}

Result<Deployment> decodeDeployment(std::string_view row) {
  Decoder in(row);
  checkVersion(in);
  Deployment deployment;
  deployment.tenant = in.bytes();
  deployment.script = in.bytes();
  deployment.number = in.u64();
  const std::uint32_t count = in.count(4 + 8);
  if (count == 0) in.reject("has no version");
  for (std::uint32_t i = 0; i < count && in.ok(); ++i) {
    Deployment::Share share;
    share.versionId = in.bytes();
    share.percent = in.f64();
    deployment.shares.push_back(std::move(share));
  }
  deployment.createdAt = timeOf(in.i64());
  deployment.message = in.bytes();
  ATOLL_TRY_VOID(in.finish("deployment row"));
  return deployment;
}

std::string routeKey(std::string_view pattern) { return "p" + std::string(pattern); }

std::string tenantRouteKey(std::string_view tenant, std::string_view pattern) {
  return "t" + std::string(tenant) + '\0' + std::string(pattern);
}

std::string encodeRoute(const Route& route) {
  // Of the second version are custom domains: the first knew none.
  const std::uint8_t format = route.isCustomDomain ? kVersion2 : kVersion;
  return Encoder().u8(format).bytes(route.tenant).bytes(route.script).take();
}

Result<Route> decodeRoute(std::string_view pattern, std::string_view row) {
  Decoder in(row);
  const std::uint8_t format = in.u8();
  if (format != kVersion && format != kVersion2) in.reject("has an unknown format version");
  Route route;
  route.isCustomDomain = format == kVersion2;
  route.pattern = pattern;
  route.tenant = in.bytes();
  route.script = in.bytes();
  ATOLL_TRY_VOID(in.finish("route row"));
  return route;
}

std::string namespaceKey(std::string_view id) { return "n" + std::string(id); }

std::string tenantNamespaceKey(std::string_view tenant, std::string_view title) {
  return "t" + std::string(tenant) + '\0' + std::string(title);
}

std::string encodeNamespace(const KvNamespace& row) {
  return Encoder().u8(kVersion).bytes(row.tenant).bytes(row.title).take();
}

Result<KvNamespace> decodeNamespace(std::string_view id, std::string_view row) {
  Decoder in(row);
  checkVersion(in);
  KvNamespace found;
  found.id = id;
  found.tenant = in.bytes();
  found.title = in.bytes();
  ATOLL_TRY_VOID(in.finish("KV namespace row"));
  return found;
}

}  // namespace atolld::deploy
