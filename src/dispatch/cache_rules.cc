#include "dispatch/cache_rules.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "base/encoding.h"

namespace atolld::dispatch {
namespace {

using std::chrono::seconds;

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

/// All values of a field as one list.
std::string combined(const http::HeaderList& headers, std::string_view name) {
  std::string all;
  for (const auto field : headers) {
    if (field.name != name) continue;
    if (!all.empty()) all += ", ";
    all += field.value;
  }
  return all;
}

/// Calls `each` for every element of a comma-separated list.
template <class Each>
void forEachElement(std::string_view list, Each each) {
  while (!list.empty()) {
    const std::size_t end = std::min(list.find(','), list.size());
    const std::string_view element = trim(list.substr(0, end));
    list.remove_prefix(std::min(end + 1, list.size()));
    if (!element.empty()) each(element);
  }
}

std::optional<std::uint64_t> parseWhole(std::string_view digits) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (digits.empty() || error != std::errc() || end != digits.data() + digits.size()) {
    return std::nullopt;
  }
  return value;
}

constexpr std::uint64_t kSecondsMax = 60ull * 60 * 24 * 365;

/// RFC 9111 section 5.2.2, as far as a shared cache heeds it.
struct CacheControl {
  bool forbidden = false;
  bool cookiesPrivate = false;
  std::optional<seconds> maxAge, sharedMaxAge;
};

CacheControl parseCacheControl(const http::HeaderList& response) {
  CacheControl control;
  const std::string list = toLowerAscii(combined(response, "cache-control"));
  forEachElement(list, [&](std::string_view directive) {
    const std::size_t equals = std::min(directive.find('='), directive.size());
    const std::string_view name = trim(directive.substr(0, equals));
    std::string_view value = trim(directive.substr(std::min(equals + 1, directive.size())));
    if (value.size() >= 2 && value.front() == '"' && value.back() == '"') {
      value = value.substr(1, value.size() - 2);
    }
    const auto age = [&]() -> std::optional<seconds> {
      const auto whole = parseWhole(value);
      return seconds(whole ? std::min(*whole, kSecondsMax) : 0);
    };
    if (name == "private" && value == "set-cookie") {
      control.cookiesPrivate = true;
    } else if (name == "no-store" || name == "private" || name == "no-cache") {
      control.forbidden = true;
    } else if (name == "max-age") {
      control.maxAge = age();
    } else if (name == "s-maxage") {
      control.sharedMaxAge = age();
    }
  });
  return control;
}

/// What Cloudflare gives a response that says nothing itself.
seconds defaultLifetime(int status) {
  switch (status) {
    case 200:
    case 206:
    case 301:
      return seconds(120 * 60);
    case 302:
    case 303:
      return seconds(20 * 60);
    case 404:
    case 410:
      return seconds(3 * 60);
    default:
      return seconds(0);
  }
}

std::string_view withoutWeakness(std::string_view tag) {
  return tag.starts_with("W/") ? tag.substr(2) : tag;
}

/// Weak comparison: RFC 9110 section 8.8.3.2. Entity tags with commas inside match in part only.
bool namesTag(std::string_view list, std::string_view tag) {
  bool found = trim(list) == "*";
  forEachElement(list, [&](std::string_view element) {
    found = found || withoutWeakness(element) == withoutWeakness(tag);
  });
  return found;
}

bool isUnchanged(const http::HeaderList& response, const http::HeaderList& request) {
  if (const auto wanted = request.find("if-none-match")) {
    const auto tag = response.find("etag");
    return tag && namesTag(*wanted, *tag);
  }
  const auto since = request.find("if-modified-since");
  const auto modified = response.find("last-modified");
  if (!since || !modified) return false;
  const auto sinceTime = parseHttpDate(*since), modifiedTime = parseHttpDate(*modified);
  return sinceTime && modifiedTime && *modifiedTime <= *sinceTime;
}

/// If-Range, where there is one, must name what is stored: RFC 9110 section 13.1.5.
bool rangeApplies(const http::HeaderList& response, const http::HeaderList& request) {
  const auto condition = request.find("if-range");
  if (!condition) return true;
  const auto tag = response.find("etag"), modified = response.find("last-modified");
  return (tag && *tag == *condition && !tag->starts_with("W/")) ||
         (modified && *modified == *condition);
}

enum class RangeKind { None, Satisfiable, Unsatisfiable };

/// RFC 9110 section 14.1.2; several ranges, and what is no range, count as none.
RangeKind parseRange(std::string_view value, std::uint64_t size, ByteRange& out) {
  value = trim(value);
  if (!value.starts_with("bytes=")) return RangeKind::None;
  value.remove_prefix(6);
  const std::size_t dash = value.find('-');
  if (dash == std::string_view::npos || value.contains(',')) return RangeKind::None;
  const auto first = parseWhole(trim(value.substr(0, dash)));
  const auto last = parseWhole(trim(value.substr(dash + 1)));
  const bool noFirst = trim(value.substr(0, dash)).empty();
  const bool noLast = trim(value.substr(dash + 1)).empty();
  if ((!first && !noFirst) || (!last && !noLast) || (noFirst && noLast)) return RangeKind::None;
  if (noFirst) {
    if (*last == 0 || size == 0) return RangeKind::Unsatisfiable;
    out = {size - std::min(*last, size), size - 1};
    return RangeKind::Satisfiable;
  }
  if (last && *last < *first) return RangeKind::None;
  if (*first >= size) return RangeKind::Unsatisfiable;
  out = {*first, last ? std::min(*last, size - 1) : size - 1};
  return RangeKind::Satisfiable;
}

}  // namespace

std::optional<seconds> cacheLifetime(int status, const http::HeaderList& response, UnixMillis now) {
  const CacheControl control = parseCacheControl(response);
  if (control.forbidden) return std::nullopt;
  if (response.find("set-cookie") && !control.cookiesPrivate) return std::nullopt;
  std::optional<seconds> lifetime = control.sharedMaxAge ? control.sharedMaxAge : control.maxAge;
  if (!lifetime) {
    if (const auto expires = response.find("expires")) {
      // What is no date means: in the past.
      const auto time = parseHttpDate(*expires).value_or(now);
      lifetime = std::min(std::chrono::floor<seconds>(time - now), seconds(kSecondsMax));
    }
  }
  const seconds result = lifetime.value_or(defaultLifetime(status));
  return result > seconds(0) ? std::optional(result) : std::nullopt;
}

std::string cacheVariant(const http::HeaderList& response, const http::HeaderList& request) {
  std::string variant;
  forEachElement(toLowerAscii(combined(response, "vary")), [&](std::string_view name) {
    const std::string value = combined(request, name);
    variant += name;
    variant += '\0';
    variant += std::to_string(value.size());
    variant += '\0';
    variant += value;
  });
  return variant;
}

bool suitsVariant(std::string_view variant, const http::HeaderList& response,
                  const http::HeaderList& request) {
  return cacheVariant(response, request) == variant;
}

CacheAnswer answerFromCache(int status, const http::HeaderList& response, std::uint64_t bodyBytes,
                            const http::HeaderList& request) {
  if (status != 200) return {.status = status};
  if (isUnchanged(response, request)) return {.status = 304};
  const auto range = request.find("range");
  if (!range || !rangeApplies(response, request)) return {};
  ByteRange wanted;
  switch (parseRange(*range, bodyBytes, wanted)) {
    case RangeKind::None:
      return {};
    case RangeKind::Unsatisfiable:
      return {.status = 416};
    case RangeKind::Satisfiable:
      return {.status = 206, .range = wanted};
  }
  return {};
}

std::optional<UnixMillis> parseHttpDate(std::string_view text) {
  constexpr std::array<std::string_view, 12> kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  text = trim(text);
  if (text.size() != 29 || text.substr(3, 2) != ", " || !text.ends_with(" GMT")) {
    return std::nullopt;
  }
  const auto day = parseWhole(text.substr(5, 2)), year = parseWhole(text.substr(12, 4));
  const auto hour = parseWhole(text.substr(17, 2)), minute = parseWhole(text.substr(20, 2));
  const auto second = parseWhole(text.substr(23, 2));
  const auto* const month = std::ranges::find(kMonths, text.substr(8, 3));
  if (!day || !year || !hour || !minute || !second || month == kMonths.end()) return std::nullopt;
  const std::chrono::year_month_day date{
      std::chrono::year(static_cast<int>(*year)),
      std::chrono::month(static_cast<unsigned>(month - kMonths.begin()) + 1),
      std::chrono::day(static_cast<unsigned>(*day))};
  if (!date.ok() || *hour > 23 || *minute > 59 || *second > 60) return std::nullopt;
  return UnixMillis(std::chrono::sys_days(date)) + std::chrono::hours(*hour) +
         std::chrono::minutes(*minute) + seconds(*second);
}

}  // namespace atolld::dispatch
