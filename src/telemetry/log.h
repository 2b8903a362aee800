#pragma once

#include <cstdint>
#include <initializer_list>
#include <string_view>
#include <variant>

namespace atolld::telemetry {

enum class Level : std::uint8_t { Debug, Info, Warn, Error, Off };

/// One named value of a log line. Never a secret: no token, no body, no header value.
struct Field {
  std::string_view name;
  std::variant<std::string_view, std::int64_t, double, bool> value;
};

/// Lines below `level` are dropped. Any thread.
void setLogLevel(Level level) noexcept;
bool logs(Level level) noexcept;

/// Writes one line of JSON to stderr: {"time":"…","level":"info","event":"listening", fields…}.
/// `event` is a stable lower-case name to search for. Any thread; never throws.
void log(Level level, std::string_view event, std::initializer_list<Field> fields = {}) noexcept;

}  // namespace atolld::telemetry
