#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "config/config.h"

namespace atolld::config {

/// The member of a Config that a key sets.
using Slot =
    std::variant<std::string*, std::uint64_t*, std::chrono::milliseconds*, std::optional<Address>*>;

/// One key of the file: the only description of it there is. defaults.toml, the JSON schema and the
/// parser all read this table.
struct Key {
  std::string_view name;  ///< "section.key", or "key" at the top.
  Slot (*slot)(Config&);
  std::string_view about;  ///< Unit and reason, one sentence or two.
  std::uint64_t min = 0;   ///< Numbers and times (milliseconds).
  std::uint64_t max = 0;
  std::string_view choices = {};  ///< Strings: the allowed ones, separated by '|'; empty: any.
};

/// In the order of the file; the keys of one section stand together.
std::span<const Key> keys();

/// The text of edge-config/defaults.toml.
std::string defaultsToml();
/// The text of edge-config/schema/atolld.schema.json (JSON Schema 2020-12).
std::string configSchema();

}  // namespace atolld::config
