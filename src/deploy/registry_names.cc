// The half of Registry that gives out names: routes and KV namespaces.
#include <algorithm>
#include <format>
#include <set>

#include "base/encoding.h"
#include "deploy/registry.h"
#include "deploy/registry_rows.h"
#include "deploy/registry_stage.h"
#include "store/crypto.h"
#include "store/kv_store.h"
#include "store/utf8.h"

namespace atolld::deploy {
namespace {

using store::Family;
using store::Ops;
using store::View;

constexpr std::size_t kNamespaceIdBytes = 16;
constexpr std::size_t kTitleBytesMax = 512;
/// Rows of a namespace that one log entry deletes.
constexpr std::size_t kClearRowsMax = 2000;

/// @error NotFound: there is none with that id, or it is another tenant's.
Result<KvNamespace> requireNamespace(const View& view, std::string_view tenant,
                                     std::string_view id) {
  ATOLL_TRY(const std::optional<std::string> row, view.get(Family::KvNamespaces, namespaceKey(id)));
  if (row) {
    ATOLL_TRY(KvNamespace found, decodeNamespace(id, *row));
    if (found.tenant == tenant) return found;
  }
  return fail(ErrorCode::NotFound,
              std::format("tenant {} has no KV namespace with that id", tenant));
}

Result<> checkTitle(std::string_view title) {
  const bool isGood = !title.empty() && title.size() <= kTitleBytesMax && store::isUtf8(title) &&
                      std::ranges::none_of(title, [](char c) {
                        return static_cast<unsigned char>(c) < 0x20 || c == '\x7f';
                      });
  if (isGood) return {};
  return fail(ErrorCode::InvalidArgument,
              std::format("a KV namespace title is 1 to {} bytes of UTF-8 without control "
                          "characters",
                          kTitleBytesMax));
}

/// The route of that canonical pattern, whoever has it.
Result<std::optional<Route>> findRoute(const View& view, std::string_view pattern) {
  ATOLL_TRY(const std::optional<std::string> row, view.get(Family::Routes, routeKey(pattern)));
  if (!row) return std::nullopt;
  return decodeRoute(pattern, *row);
}

bool leadsToSame(const Route& one, const Route& other) {
  return one.tenant == other.tenant && one.script == other.script;
}

/// Nothing if the script has the route already, of the same kind. @error AlreadyExists
Result<> stageRoute(const View& view, const Route& route, Ops& ops) {
  ATOLL_TRY(const std::optional<Route> there, findRoute(view, route.pattern));
  if (there) {
    const bool isOwn = leadsToSame(*there, route);
    if (isOwn && there->isCustomDomain == route.isCustomDomain) return {};
    if (isOwn) {
      stagePut(ops, Family::Routes, routeKey(route.pattern), encodeRoute(route));
      return {};
    }
    // Whose it is, is nobody else's business.
    return fail(ErrorCode::AlreadyExists,
                there->tenant == route.tenant
                    ? std::format("route {} leads to script {}: remove it there first",
                                  route.pattern, there->script)
                    : std::format("route {} belongs to another tenant", route.pattern));
  }
  stagePut(ops, Family::Routes, routeKey(route.pattern), encodeRoute(route));
  stagePut(ops, Family::Routes, tenantRouteKey(route.tenant, route.pattern), route.script);
  return {};
}

void stageForgetRoute(std::string_view tenant, std::string_view pattern, Ops& ops) {
  stageDelete(ops, Family::Routes, routeKey(pattern));
  stageDelete(ops, Family::Routes, tenantRouteKey(tenant, pattern));
}

/// @error AlreadyExists
Result<> requireFreeTitle(const View& view, std::string_view tenant, std::string_view title) {
  ATOLL_TRY(const std::optional<std::string> there,
            view.get(Family::KvNamespaces, tenantNamespaceKey(tenant, title)));
  if (!there) return {};
  return fail(ErrorCode::AlreadyExists,
              std::format("tenant {} has a KV namespace titled {} already: its id is {}", tenant,
                          title, *there));
}

}  // namespace

Result<> checkScriptName(std::string_view name) { return store::checkName("script name", name); }

Result<Route> Registry::addRoute(std::string_view tenant, std::string_view script,
                                 std::string_view pattern) {
  ATOLL_TRY_VOID(checkNames(tenant, script));
  ATOLL_TRY(std::string canonical, canonicalRoutePattern(pattern));
  Route route{.pattern = std::move(canonical),
              .tenant = std::string(tenant),
              .script = std::string(script)};
  const auto decide = [&](const View& view) -> Result<Ops> {
    ATOLL_TRY_VOID(requireScript(view, tenant, script));
    ATOLL_TRY(const std::optional<Route> there, findRoute(view, route.pattern));
    // A domain of the script's own stays one.
    route.isCustomDomain = there && leadsToSame(*there, route) && there->isCustomDomain;
    Ops ops;
    ATOLL_TRY_VOID(stageRoute(view, route, ops));
    stageAudit(tenant, "route.add", std::format("{} to {}", route.pattern, script), ops);
    return ops;
  };
  ATOLL_TRY_VOID(database_.commit(decide));
  return route;
}

Result<> Registry::setRoutes(std::string_view tenant, std::string_view script,
                             const std::vector<std::string>& patterns, RouteKind kind) {
  ATOLL_TRY_VOID(checkNames(tenant, script));
  const bool isCustomDomain = kind == RouteKind::CustomDomain;
  std::set<std::string> wanted;
  for (const std::string& pattern : patterns) {
    ATOLL_TRY(std::string canonical, canonicalRoutePattern(pattern));
    wanted.insert(std::move(canonical));
  }
  const auto decide = [&](const View& view) -> Result<Ops> {
    ATOLL_TRY_VOID(requireScript(view, tenant, script));
    Ops ops;
    const auto visitOwn = [&](std::string_view pattern, std::string_view owner) -> Result<> {
      if (owner != script || wanted.contains(std::string(pattern))) return {};
      ATOLL_TRY(const std::optional<Route> there, findRoute(view, pattern));
      if (!there) return fail(ErrorCode::Corrupt, "a route of a tenant's list is missing");
      if (there->isCustomDomain == isCustomDomain) stageForgetRoute(tenant, pattern, ops);
      return {};
    };
    ATOLL_TRY_VOID(forEachRow(view, Family::Routes, tenantRouteKey(tenant, ""), visitOwn));
    for (const std::string& pattern : wanted) {
      ATOLL_TRY_VOID(stageRoute(view,
                                {.pattern = pattern,
                                 .tenant = std::string(tenant),
                                 .script = std::string(script),
                                 .isCustomDomain = isCustomDomain},
                                ops));
    }
    std::string subject(script);
    for (const std::string& pattern : wanted) subject += " " + pattern;
    stageAudit(tenant, isCustomDomain ? "domain.set" : "route.set", subject, ops);
    return ops;
  };
  ATOLL_TRY_VOID(database_.commit(decide));
  return {};
}

Result<> Registry::removeRoute(std::string_view tenant, std::string_view pattern) {
  ATOLL_TRY_VOID(store::checkName("tenant name", tenant));
  ATOLL_TRY(const std::string canonical, canonicalRoutePattern(pattern));
  const auto decide = [&](const View& view) -> Result<Ops> {
    ATOLL_TRY(const std::optional<std::string> own,
              view.get(Family::Routes, tenantRouteKey(tenant, canonical)));
    if (!own) {
      return fail(ErrorCode::NotFound, std::format("tenant {} has no route {}", tenant, canonical));
    }
    Ops ops;
    stageForgetRoute(tenant, canonical, ops);
    stageAudit(tenant, "route.remove", canonical, ops);
    return ops;
  };
  ATOLL_TRY_VOID(database_.commit(decide));
  return {};
}

Result<std::vector<Route>> Registry::routes(std::string_view tenant) const {
  ATOLL_TRY_VOID(store::checkName("tenant name", tenant));
  std::vector<Route> routes;
  ATOLL_TRY_VOID(forEachRow(*database_.view(), Family::Routes, tenantRouteKey(tenant, ""),
                            [&](std::string_view pattern, std::string_view script) -> Result<> {
                              routes.push_back({.pattern = std::string(pattern),
                                                .tenant = std::string(tenant),
                                                .script = std::string(script)});
                              return {};
                            }));
  return routes;
}

Result<KvNamespace> Registry::createKvNamespace(std::string_view tenant, std::string_view title) {
  ATOLL_TRY_VOID(store::checkName("tenant name", tenant));
  ATOLL_TRY_VOID(checkTitle(title));
  const KvNamespace made{.id = toHex(store::randomBytes(kNamespaceIdBytes)),
                         .tenant = std::string(tenant),
                         .title = std::string(title)};
  const auto decide = [&](const View& view) -> Result<Ops> {
    ATOLL_TRY_VOID(requireFreeTitle(view, tenant, title));
    Ops ops;
    stagePut(ops, Family::KvNamespaces, namespaceKey(made.id), encodeNamespace(made));
    stagePut(ops, Family::KvNamespaces, tenantNamespaceKey(tenant, title), made.id);
    stageAudit(tenant, "namespace.create", std::format("{} {}", made.id, title), ops);
    return ops;
  };
  ATOLL_TRY_VOID(database_.commit(decide));
  return made;
}

Result<KvNamespace> Registry::renameKvNamespace(std::string_view tenant, std::string_view id,
                                                std::string_view title) {
  ATOLL_TRY_VOID(store::checkName("tenant name", tenant));
  ATOLL_TRY_VOID(checkTitle(title));
  KvNamespace renamed;
  const auto decide = [&](const View& view) -> Result<Ops> {
    ATOLL_TRY(renamed, requireNamespace(view, tenant, id));
    if (renamed.title == title) return Ops();
    ATOLL_TRY_VOID(requireFreeTitle(view, tenant, title));
    Ops ops;
    stageDelete(ops, Family::KvNamespaces, tenantNamespaceKey(tenant, renamed.title));
    renamed.title = title;
    stagePut(ops, Family::KvNamespaces, namespaceKey(id), encodeNamespace(renamed));
    stagePut(ops, Family::KvNamespaces, tenantNamespaceKey(tenant, title), renamed.id);
    stageAudit(tenant, "namespace.rename", std::format("{} {}", renamed.id, title), ops);
    return ops;
  };
  ATOLL_TRY_VOID(database_.commit(decide));
  return renamed;
}

Result<> Registry::removeKvNamespace(std::string_view tenant, std::string_view id) {
  ATOLL_TRY_VOID(store::checkName("tenant name", tenant));
  // Its rows may be millions: they go in several entries, and the namespace itself in the last.
  bool isDone = false;
  for (bool isFirst = true; !isDone; isFirst = false) {
    const auto decide = [&](const View& view) -> Result<Ops> {
      ATOLL_TRY(const KvNamespace found, requireNamespace(view, tenant, id));
      Ops ops;
      ATOLL_TRY(const std::size_t cleared,
                store::KvStore::stageClear(view, id, kClearRowsMax, ops));
      isDone = cleared < kClearRowsMax;
      if (isDone) {
        stageDelete(ops, Family::KvNamespaces, namespaceKey(id));
        stageDelete(ops, Family::KvNamespaces, tenantNamespaceKey(tenant, found.title));
      }
      if (isFirst || isDone) {
        stageAudit(tenant, isDone ? "namespace.delete" : "namespace.clear",
                   std::format("{} {}", id, found.title), ops);
      }
      return ops;
    };
    ATOLL_TRY_VOID(database_.commit(decide));
  }
  return {};
}

Result<std::vector<KvNamespace>> Registry::kvNamespaces(std::string_view tenant) const {
  ATOLL_TRY_VOID(store::checkName("tenant name", tenant));
  std::vector<KvNamespace> namespaces;
  ATOLL_TRY_VOID(forEachRow(*database_.view(), Family::KvNamespaces, tenantNamespaceKey(tenant, ""),
                            [&](std::string_view title, std::string_view id) -> Result<> {
                              namespaces.push_back({.id = std::string(id),
                                                    .tenant = std::string(tenant),
                                                    .title = std::string(title)});
                              return {};
                            }));
  return namespaces;
}

Result<> Registry::removeAllOf(std::string_view tenant) {
  const auto isGone = [](const Result<>& removed) {
    return removed || removed.error().code == ErrorCode::NotFound;  // Another was faster.
  };
  ATOLL_TRY(const std::vector<std::string> names, scripts(tenant));
  for (const std::string& script : names) {
    if (Result<> removed = remove(tenant, script); !isGone(removed)) return removed;
  }
  ATOLL_TRY(const std::vector<KvNamespace> namespaces, kvNamespaces(tenant));
  for (const KvNamespace& each : namespaces) {
    if (Result<> removed = removeKvNamespace(tenant, each.id); !isGone(removed)) return removed;
  }
  return {};
}

Result<bool> Registry::ownsNothing(const View& view, std::string_view tenant) {
  bool isEmpty = true;
  const auto see = [&isEmpty](std::string_view, std::string_view) { return isEmpty = false; };
  ATOLL_TRY_VOID(view.scan(Family::Scripts, scriptKey(tenant, ""), "", see));
  ATOLL_TRY_VOID(view.scan(Family::KvNamespaces, tenantNamespaceKey(tenant, ""), "", see));
  return isEmpty;
}

}  // namespace atolld::deploy
