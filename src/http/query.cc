#include "http/query.h"

#include <algorithm>
#include <charconv>

#include "base/encoding.h"

namespace atolld::http {
namespace {

std::optional<std::string> decode(std::string_view text) {
  std::string spaced(text);
  std::replace(spaced.begin(), spaced.end(), '+', ' ');
  return percentDecode(spaced);
}

}  // namespace

Result<Query> Query::parse(std::string_view text) {
  Query query;
  while (!text.empty()) {
    const std::size_t ampersand = std::min(text.find('&'), text.size());
    const std::string_view field = text.substr(0, ampersand);
    text.remove_prefix(std::min(ampersand + 1, text.size()));
    if (field.empty()) continue;
    const std::size_t equals = std::min(field.find('='), field.size());
    const auto name = decode(field.substr(0, equals));
    const auto value = decode(field.substr(std::min(equals + 1, field.size())));
    if (!name || !value) {
      return fail(ErrorCode::InvalidArgument, "the query holds a broken percent escape");
    }
    if (query.find(*name)) {
      return fail(ErrorCode::InvalidArgument, "the query names \"" + *name + "\" twice");
    }
    query.fields_.emplace_back(*name, *value);
  }
  return query;
}

std::optional<std::string_view> Query::find(std::string_view name) const {
  for (const auto& [key, value] : fields_) {
    if (key == name) return value;
  }
  return std::nullopt;
}

Result<std::optional<std::int64_t>> Query::findNumber(std::string_view name, std::int64_t min,
                                                      std::int64_t max) const {
  const auto text = find(name);
  if (!text) return std::optional<std::int64_t>();
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), value);
  if (error != std::errc() || end != text->data() + text->size() || value < min || value > max) {
    return fail(ErrorCode::InvalidArgument, "query parameter " + std::string(name) +
                                                " is a number from " + std::to_string(min) +
                                                " to " + std::to_string(max));
  }
  return std::optional(value);
}

}  // namespace atolld::http
