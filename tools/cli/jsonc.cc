#include "jsonc.h"

#include <algorithm>
#include <sstream>
#include <toml++/toml.hpp>

namespace atolld::cli {
namespace {

// Where byte `offset` is, for people.
std::string placeOf(std::string_view text, std::size_t offset) {
  offset = std::min(offset, text.size());
  const std::string_view before = text.substr(0, offset);
  const auto line = 1 + std::count(before.begin(), before.end(), '\n');
  const std::size_t lineStart =
      before.rfind('\n') == std::string_view::npos ? 0 : before.rfind('\n') + 1;
  return std::to_string(line) + ":" + std::to_string(offset - lineStart + 1);
}

// Overwrites comments and trailing commas by blanks: what is left is JSON, every byte at its place.
std::string withoutExtras(std::string_view text, const std::string& fileName) {
  std::string out(text);
  std::size_t comma =
      std::string::npos;  // The last comma behind a value that nothing has followed.
  char previous = '[';    // The last byte that is neither blank nor comment.
  for (std::size_t i = 0; i < out.size();) {
    const char c = out[i];
    if (c == '"') {
      comma = std::string::npos;
      previous = c;
      for (++i; i < out.size() && out[i] != '"'; ++i) {
        if (out[i] == '\\') ++i;
      }
      ++i;
    } else if (c == '/' && i + 1 < out.size() && (out[i + 1] == '/' || out[i + 1] == '*')) {
      const bool line = out[i + 1] == '/';
      std::size_t end = line ? out.find('\n', i) : out.find("*/", i + 2);
      if (end == std::string::npos && !line) {
        throw CliError(fileName + ":" + placeOf(text, i) + ": this comment is never closed");
      }
      end = end == std::string::npos ? out.size() : line ? end : end + 2;
      for (; i < end; ++i) {
        if (out[i] != '\n') out[i] = ' ';
      }
    } else {
      if (c == ',') {
        const bool behindValue = previous != '[' && previous != '{' && previous != ',';
        comma = behindValue ? i : std::string::npos;
      } else if (c == '}' || c == ']') {
        if (comma != std::string::npos) out[comma] = ' ';
        comma = std::string::npos;
      } else if (c != ' ' && c != '\t' && c != '\r' && c != '\n') {
        comma = std::string::npos;
      }
      if (c != ' ' && c != '\t' && c != '\r' && c != '\n') previous = c;
      ++i;
    }
  }
  return out;
}

Json fromToml(const toml::node& node) {
  if (const auto* table = node.as_table()) {
    Json object = Json::object();
    for (const auto& [key, value] : *table) object[std::string(key.str())] = fromToml(value);
    return object;
  }
  if (const auto* array = node.as_array()) {
    Json list = Json::array();
    for (const toml::node& item : *array) list.push_back(fromToml(item));
    return list;
  }
  if (const auto* text = node.as_string()) return text->get();
  if (const auto* number = node.as_integer()) return number->get();
  if (const auto* number = node.as_floating_point()) return number->get();
  if (const auto* flag = node.as_boolean()) return flag->get();
  // Dates: wrangler.toml may hold compatibility_date = 2026-01-01 without quotes.
  std::ostringstream text;
  if (const auto* date = node.as_date()) text << date->get();
  if (const auto* time = node.as_time()) text << time->get();
  if (const auto* both = node.as_date_time()) text << both->get();
  return text.str();
}

}  // namespace

Json parseJsonc(std::string_view text, const std::string& fileName) {
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);  // A byte-order mark.
  try {
    return Json::parse(withoutExtras(text, fileName));
  } catch (const Json::parse_error& error) {
    // "[json.exception.parse_error.101] parse error at line 1, column 2: syntax error …": the place
    // is ours, the reason what stands behind the last "- ".
    std::string reason = error.what();
    if (const auto dash = reason.find(" - "); dash != std::string::npos) {
      reason.erase(0, dash + 3);
    } else if (const auto colon = reason.find(": "); colon != std::string::npos) {
      reason.erase(0, colon + 2);
    }
    const std::size_t at = error.byte == 0 ? 0 : error.byte - 1;
    throw CliError(fileName + ":" + placeOf(text, at) + ": " + reason);
  }
}

Json parseToml(std::string_view text, const std::string& fileName) {
  try {
    return fromToml(toml::parse(text, fileName));
  } catch (const toml::parse_error& error) {
    throw CliError(fileName + ":" + std::to_string(error.source().begin.line) + ":" +
                   std::to_string(error.source().begin.column) + ": " +
                   std::string(error.description()));
  }
}

}  // namespace atolld::cli
