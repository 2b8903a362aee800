#include "assets/redirects.h"

#include <algorithm>
#include <charconv>

#include "assets/lines.h"
#include "assets/path_pattern.h"
#include "base/encoding.h"

namespace atolld::assets {
namespace {

constexpr std::size_t kExactCountMax = 2000;
constexpr std::size_t kOtherCountMax = 100;
constexpr std::size_t kLineBytesMax = 1000;

bool isStatus(int status) {
  return status == 200 || status == 301 || status == 302 || status == 303 || status == 307 ||
         status == 308;
}

bool isSitePath(std::string_view to) { return to.starts_with('/') && !to.starts_with("//"); }

bool isTarget(std::string_view to) {
  return isSitePath(to) || to.starts_with("http://") || to.starts_with("https://");
}

// Why a rule means nothing; empty if it does mean something.
std::string faultOf(std::string_view from, std::string_view to, int status) {
  if (!from.starts_with('/') || !isTarget(to)) {
    return "write \"/from /to 302\", where the target is a path or a URL";
  }
  if (const Result<> good = checkPattern(from); !good) return good.error().detail;
  if (status != 200) return {};
  if (!isSitePath(to)) return "status 200 needs a path of this site";
  const bool takesAll = from == "/*" && !to.contains(":splat");
  return takesAll ? "would answer every path with one file, scripts and styles too: set "
                    "not_found_handling to \"single-page-application\" instead"
                  : "";
}

// As a header may say it. What captures brought in must not lead to another host.
std::string safeLocation(std::string location, bool isOfSite) {
  if (isOfSite) {
    const std::size_t slashes = std::min(location.find_first_not_of("/\\"), location.size());
    location.replace(0, slashes, "/");
  }
  std::string out;
  for (const char c : location) {
    const auto byte = static_cast<unsigned char>(c);
    const bool isPlain = byte > 0x20 && byte < 0x7f && c != '\\' && c != '"' && c != '<';
    out += isPlain ? std::string(1, c) : percentEncode(std::string_view(&c, 1));
  }
  return out;
}

}  // namespace

Result<Redirects> Redirects::parse(std::string_view text) {
  Redirects made;
  const auto take = [&made](std::string_view rest) -> Result<> {
    const std::string_view from = takeWord(rest);
    const std::string_view to = takeWord(rest);
    const std::string_view code = takeWord(rest);
    int status = 302;
    if (!code.empty() && code.front() != '#') {
      const auto read = std::from_chars(code.data(), code.data() + code.size(), status);
      if (read.ptr != code.data() + code.size() || !isStatus(status)) {
        return fail(ErrorCode::InvalidArgument, "the status is 200, 301, 302, 303, 307 or 308");
      }
    }
    if (const std::string fault = faultOf(from, to, status); !fault.empty()) {
      return fail(ErrorCode::InvalidArgument, fault);
    }
    const bool isExact = !from.contains('*') && !from.contains("/:");
    (isExact ? made.exact_ : made.others_).push_back({std::string(from), std::string(to), status});
    return {};
  };
  ATOLL_TRY_VOID(forEachRule("_redirects", text, kLineBytesMax, take));
  if (made.exact_.size() > kExactCountMax || made.others_.size() > kOtherCountMax) {
    return fail(ErrorCode::TooLarge, "_redirects: at most " + std::to_string(kExactCountMax) +
                                         " rules, and " + std::to_string(kOtherCountMax) +
                                         " with \"*\" or \":name\", are allowed");
  }
  std::ranges::stable_sort(made.exact_, {}, &Rule::from);
  return made;
}

std::optional<Redirects::Target> Redirects::find(std::string_view path) const {
  const auto exact = std::ranges::lower_bound(exact_, path, {}, &Rule::from);
  if (exact != exact_.end() && exact->from == path) {
    return Target{safeLocation(exact->to, isSitePath(exact->to)), exact->status};
  }
  for (const Rule& rule : others_) {
    Captures captures;
    if (!matchesPattern(rule.from, path, &captures)) continue;
    return Target{safeLocation(fillIn(rule.to, captures), isSitePath(rule.to)), rule.status};
  }
  return std::nullopt;
}

}  // namespace atolld::assets
