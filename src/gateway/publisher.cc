#include "gateway/publisher.h"

#include <utility>

#include "telemetry/log.h"

namespace atolld::gateway {
namespace {

constexpr std::uint32_t bit(store::Family family) {
  return 1u << static_cast<std::uint32_t>(family);
}

constexpr std::uint32_t kRoutingFamilies =
    bit(store::Family::Scripts) | bit(store::Family::Deployments) | bit(store::Family::Routes);

}  // namespace

Publisher::Publisher(const deploy::Registry& registry, LiveTable& live, TableOptions options)
    : registry_(registry), live_(live), options_(std::move(options)) {}

Result<> Publisher::publish() {
  ATOLL_TRY(const deploy::Registry::Listing listing, registry_.list());
  live_.publish(Table::build(listing, options_));
  return {};
}

void Publisher::onCommitted(std::uint32_t familyBits) {
  if ((familyBits & kRoutingFamilies) == 0) return;
  if (const Result<> published = publish(); !published) {
    telemetry::log(telemetry::Level::Error, "table_not_published",
                   {{"error", std::string_view(published.error().detail)}});
  }
}

}  // namespace atolld::gateway
