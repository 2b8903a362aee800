#include "control/json.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>
#include <nlohmann/json.hpp>
#include <vector>

#include "base/suggest.h"

namespace atolld::control {
namespace {

// nlohmann writes and compares recursively, so depth is bounded where text comes in.
constexpr int kDepthMax = 64;

// "[json.exception.parse_error.101] parse error at line 1, column 5: syntax error …" without the
// library's own prefix.
std::string withoutPrefix(std::string text) {
  const std::size_t bracket = text.find("] ");
  if (bracket != std::string::npos) text.erase(0, bracket + 2);
  return text;
}

}  // namespace

Result<Json> parseJson(std::string_view text, std::string_view what) {
  bool tooDeep = false;
  const auto bounded = [&](int depth, Json::parse_event_t, Json&) {
    tooDeep = tooDeep || depth > kDepthMax;
    return !tooDeep;  // False drops the value: nothing deeper is built.
  };
  try {
    Json value = Json::parse(text, bounded);
    if (tooDeep) {
      return fail(ErrorCode::InvalidArgument, std::string(what) + " is nested deeper than " +
                                                  std::to_string(kDepthMax) + " levels");
    }
    return value;
  } catch (const Json::exception& error) {
    return fail(ErrorCode::InvalidArgument,
                std::string(what) + " is no JSON: " + withoutPrefix(error.what()));
  }
}

Result<Json> parseJsonObject(std::string_view text, std::string_view what,
                             std::initializer_list<std::string_view> allowed) {
  ATOLL_TRY(Json value, parseJson(text, what));
  if (!value.is_object()) {
    return fail(ErrorCode::InvalidArgument, std::string(what) + " is no JSON object: write {…}");
  }
  const std::vector<std::string_view> names(allowed);
  for (const auto& [name, member] : value.items()) {
    if (std::find(names.begin(), names.end(), name) == names.end()) {
      return fail(ErrorCode::InvalidArgument, std::string(what) + " has an unknown member \"" +
                                                  name + "\"" + didYouMean(name, names));
    }
  }
  return value;
}

std::string writeJson(const Json& value, bool ascii) {
  return value.dump(-1, ' ', ascii, Json::error_handler_t::replace);
}

Result<std::optional<std::string>> findString(const Json& object, std::string_view name,
                                              std::string_view what) {
  const auto member = object.is_object() ? object.find(name) : object.end();
  if (member == object.end() || member->is_null()) return std::optional<std::string>();
  if (!member->is_string()) {
    return fail(ErrorCode::InvalidArgument,
                std::string(what) + ": \"" + std::string(name) + "\" is no string");
  }
  return std::optional(member->get<std::string>());
}

Result<std::string> requireString(const Json& object, std::string_view name,
                                  std::string_view what) {
  ATOLL_TRY(std::optional<std::string> value, findString(object, name, what));
  if (!value) {
    return fail(ErrorCode::InvalidArgument,
                std::string(what) + ": \"" + std::string(name) + "\" is missing");
  }
  return *std::move(value);
}

std::string isoTime(UnixMillis time) {
  const std::int64_t millis = time.time_since_epoch().count();
  const std::time_t seconds = static_cast<std::time_t>(millis / 1000);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  std::array<char, 32> text{};
  const std::size_t size = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &parts);
  std::snprintf(text.data() + size, text.size() - size, ".%03dZ", static_cast<int>(millis % 1000));
  return text.data();
}

}  // namespace atolld::control
