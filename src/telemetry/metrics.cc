#include "telemetry/metrics.h"

#include <fmt/format.h>

#include <iterator>
#include <map>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace atolld::telemetry {
namespace {

struct Family {
  std::string help;
  std::map<std::string, std::unique_ptr<Counter>, std::less<>> counters;
  std::function<double()> gauge;
};

struct Registry {
  std::mutex mutex;
  std::map<std::string, Family, std::less<>> families;
  std::vector<std::function<std::string()>> collectors;
};

Registry& registry() {
  static Registry instance;
  return instance;
}

}  // namespace

Counter& counter(std::string_view name, std::string_view help, std::string_view labels) {
  Registry& all = registry();
  const std::scoped_lock lock(all.mutex);
  Family& family = all.families[std::string(name)];
  family.help = help;
  std::unique_ptr<Counter>& slot = family.counters[std::string(labels)];
  if (!slot) slot = std::make_unique<Counter>();
  return *slot;
}

void gauge(std::string_view name, std::string_view help, std::function<double()> read) {
  Registry& all = registry();
  const std::scoped_lock lock(all.mutex);
  Family& family = all.families[std::string(name)];
  family.help = help;
  family.gauge = std::move(read);
}

void collector(std::function<std::string()> render) {
  Registry& all = registry();
  const std::scoped_lock lock(all.mutex);
  all.collectors.push_back(std::move(render));
}

std::string renderMetrics() {
  Registry& all = registry();
  const std::scoped_lock lock(all.mutex);
  std::string text;
  auto out = std::back_inserter(text);
  for (const auto& [name, family] : all.families) {
    fmt::format_to(out, "# HELP {} {}\n# TYPE {} {}\n", name, family.help, name,
                   family.gauge ? "gauge" : "counter");
    if (family.gauge) fmt::format_to(out, "{} {}\n", name, family.gauge());
    for (const auto& [labels, value] : family.counters) {
      fmt::format_to(out, "{}{}{}{} {}\n", name, labels.empty() ? "" : "{", labels,
                     labels.empty() ? "" : "}", value->value());
    }
  }
  for (const auto& render : all.collectors) text += render();
  return text;
}

}  // namespace atolld::telemetry
