#include "deploy/registry_rows.h"

#include <format>

namespace atolld::deploy {

using store::Family;
using store::Op;
using store::Ops;
using store::View;

Result<> checkNames(std::string_view tenant, std::string_view script) {
  ATOLL_TRY_VOID(store::checkName("tenant name", tenant));
  return checkScriptName(script);
}

Result<std::optional<ScriptRow>> findScript(const View& view, std::string_view tenant,
                                            std::string_view script) {
  ATOLL_TRY(const std::optional<std::string> row,
            view.get(Family::Scripts, scriptKey(tenant, script)));
  if (!row) return std::nullopt;
  ATOLL_TRY(const ScriptRow decoded, decodeScript(*row));
  return decoded;
}

Result<ScriptRow> requireScript(const View& view, std::string_view tenant,
                                std::string_view script) {
  ATOLL_TRY(const std::optional<ScriptRow> row, findScript(view, tenant, script));
  if (!row) {
    return fail(ErrorCode::NotFound, std::format("tenant {} has no script {}", tenant, script));
  }
  return *row;
}

Result<std::optional<Manifest>> findManifest(const View& view, std::string_view tenant,
                                             std::string_view script, std::string_view id) {
  ATOLL_TRY(const std::optional<std::string> row,
            view.get(Family::Versions, versionKey(tenant, script, id)));
  if (!row) return std::nullopt;
  ATOLL_TRY(Manifest manifest, decodeManifest(id, *row));
  return manifest;
}

Result<> forEachRow(const View& view, Family family, std::string_view prefix,
                    const VisitRow& visit) {
  Result<> visited;
  ATOLL_TRY_VOID(view.scan(family, prefix, "", [&](std::string_view key, std::string_view value) {
    visited = visit(key.substr(prefix.size()), value);
    return visited.has_value();
  }));
  return visited;
}

void stagePut(Ops& ops, Family family, std::string key, std::string value) {
  ops.push_back({Op::Kind::Put, family, std::move(key), std::move(value)});
}

void stageDelete(Ops& ops, Family family, std::string key) {
  ops.push_back({Op::Kind::Delete, family, std::move(key), {}});
}

}  // namespace atolld::deploy
