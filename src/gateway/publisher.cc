#include "gateway/publisher.h"

#include <utility>

#include "telemetry/log.h"

namespace atolld::gateway {
namespace {

/// With more than so many changes at once it is cheaper to read all.
constexpr std::size_t kKeyCountMax = 1000;

}  // namespace

Publisher::Publisher(const deploy::Registry& registry, LiveTable& live, TableOptions options)
    : registry_(registry), live_(live), options_(std::move(options)) {}

Result<> Publisher::publish() {
  table_.reset();
  ATOLL_TRY(const deploy::Registry::Listing listing, registry_.list());
  table_ = Table::build(listing, options_);
  live_.publish(table_);
  return {};
}

Result<Publisher::Scripts> Publisher::publishChanged(const store::Changes& changes) {
  if (table_ == nullptr || changes.isAll || changes.keys.size() > kKeyCountMax) {
    ATOLL_TRY_VOID(publish());
    return Scripts();
  }
  const std::shared_ptr<const Table> before = std::move(table_);
  ATOLL_TRY(deploy::Registry::Delta delta, registry_.listChanged(changes));
  table_ = before->with(delta, options_);
  live_.publish(table_);
  return std::move(delta.scripts);
}

Publisher::Scripts Publisher::onCommitted(const store::Changes& changes) {
  if (!changes.has(store::Family::Scripts) && !changes.has(store::Family::Routes)) return {};
  Result<Scripts> published = publishChanged(changes);
  if (published) return *std::move(published);
  telemetry::log(telemetry::Level::Error, "table_not_published",
                 {{"error", std::string_view(published.error().detail)}});
  return {};
}

}  // namespace atolld::gateway
