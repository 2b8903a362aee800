#pragma once

#include <concepts>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "deploy/rows.h"
#include "store/database.h"
#include "store/tenant_store.h"

/// What Registry's parts share: rows read through a view, decoded.
namespace atolld::deploy {

/// @error InvalidArgument
Result<> checkNames(std::string_view tenant, std::string_view script);

Result<std::optional<ScriptRow>> findScript(const store::View& view, std::string_view tenant,
                                            std::string_view script);
/// @error NotFound
Result<ScriptRow> requireScript(const store::View& view, std::string_view tenant,
                                std::string_view script);

Result<std::optional<Manifest>> findManifest(const store::View& view, std::string_view tenant,
                                             std::string_view script, std::string_view id);

/// Calls `visit` with every row of a prefix, the key without it, until one fails.
using VisitRow = std::function<Result<>(std::string_view keyRest, std::string_view value)>;
Result<> forEachRow(const store::View& view, store::Family family, std::string_view prefix,
                    const VisitRow& visit);

void stagePut(store::Ops& ops, store::Family family, std::string key, std::string value);
void stageDelete(store::Ops& ops, store::Family family, std::string key);

}  // namespace atolld::deploy
