#include "telemetry/log.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <iterator>
#include <memory>
#include <string>

namespace atolld::telemetry {
namespace {

spdlog::level::level_enum spdlogLevel(Level level) {
  switch (level) {
    case Level::Debug:
      return spdlog::level::debug;
    case Level::Info:
      return spdlog::level::info;
    case Level::Warn:
      return spdlog::level::warn;
    case Level::Error:
      return spdlog::level::err;
    case Level::Off:
      return spdlog::level::off;
  }
  return spdlog::level::info;
}

std::string_view levelName(Level level) {
  switch (level) {
    case Level::Debug:
      return "debug";
    case Level::Info:
      return "info";
    case Level::Warn:
      return "warn";
    default:
      return "error";
  }
}

spdlog::logger& logger() {
  static const std::shared_ptr<spdlog::logger> instance = [] {
    auto made = std::make_shared<spdlog::logger>("atolld",
                                                 std::make_shared<spdlog::sinks::stderr_sink_mt>());
    // The line is JSON already; only the time is spdlog's.
    made->set_pattern(R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ",%v})", spdlog::pattern_time_type::utc);
    made->flush_on(spdlog::level::debug);
    return made;
  }();
  return *instance;
}

/// Control characters escaped, invalid UTF-8 kept as it is: a log reader wants the line, whatever
/// a script printed.
void appendJsonString(std::string& line, std::string_view text) {
  line += '"';
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      line += '\\';
      line += c;
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      fmt::format_to(std::back_inserter(line), "\\u{:04x}", static_cast<unsigned>(c));
    } else {
      line += c;
    }
  }
  line += '"';
}

void appendValue(std::string& line, const Field& field) {
  if (const auto* text = std::get_if<std::string_view>(&field.value)) {
    appendJsonString(line, *text);
  } else if (const auto* number = std::get_if<std::int64_t>(&field.value)) {
    fmt::format_to(std::back_inserter(line), "{}", *number);
  } else if (const auto* real = std::get_if<double>(&field.value)) {
    fmt::format_to(std::back_inserter(line), "{}", *real);
  } else {
    line += std::get<bool>(field.value) ? "true" : "false";
  }
}

}  // namespace

void setLogLevel(Level level) noexcept { logger().set_level(spdlogLevel(level)); }

bool logs(Level level) noexcept { return logger().should_log(spdlogLevel(level)); }

void log(Level level, std::string_view event, std::initializer_list<Field> fields) noexcept {
  if (!logs(level)) return;
  std::string line = R"("level":")";
  line += levelName(level);
  line += R"(","event":)";
  appendJsonString(line, event);
  for (const Field& field : fields) {
    line += ',';
    appendJsonString(line, field.name);
    line += ':';
    appendValue(line, field);
  }
  logger().log(spdlogLevel(level), spdlog::string_view_t(line.data(), line.size()));
}

}  // namespace atolld::telemetry
