#include "assets/site.h"

#include <algorithm>

#include "assets/path_pattern.h"
#include "base/encoding.h"

namespace atolld::assets {
namespace {

using Kind = Site::Answer::Kind;

constexpr std::size_t kPathBytesMax = 1024;
constexpr std::size_t kScriptFirstCountMax = 100;
constexpr std::size_t kScriptFirstBytesMax = 100;
constexpr std::string_view kHtml = ".html";

constexpr std::string_view kHtmlNames[] = {"auto-trailing-slash", "force-trailing-slash",
                                           "drop-trailing-slash", "none"};
constexpr std::string_view kNotFoundNames[] = {"none", "single-page-application", "404-page"};

std::string without(std::string_view text, std::string_view end) {
  return std::string(text.substr(0, text.size() - end.size()));
}

std::string_view pathOf(std::string_view target) { return target.substr(0, target.find('?')); }
std::string_view queryOf(std::string_view target) { return target.substr(pathOf(target).size()); }

// As files are named: decoded, and no slash twice, so that no answer leads to another host.
std::optional<std::string> fileNameOf(std::string_view path) {
  auto decoded = percentDecode(path);
  if (!decoded || !decoded->starts_with('/')) return std::nullopt;
  const auto twins =
      std::ranges::unique(*decoded, [](char a, char b) { return a == '/' && b == '/'; });
  decoded->erase(twins.begin(), twins.end());
  return decoded;
}

// As links are written: everything that a path may show stays as it is.
std::string encodePath(std::string_view path) {
  constexpr std::string_view kPlain = "/-._~!$&'()*+,;=:@";
  std::string out;
  for (const char c : path) {
    const bool isPlain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                         (c >= '0' && c <= '9') || kPlain.contains(c);
    out += isPlain ? std::string(1, c) : percentEncode(std::string_view(&c, 1));
  }
  return out;
}

bool matchesAny(const std::vector<std::string>& rules, std::string_view path, bool isNegative) {
  return std::ranges::any_of(rules, [&](std::string_view rule) {
    if (rule.starts_with('!') != isNegative) return false;
    if (isNegative) rule.remove_prefix(1);
    return matchesPattern(rule, path);
  });
}

Result<> checkPath(std::string_view path) {
  const bool isGood = path.starts_with('/') && path.size() <= kPathBytesMax &&
                      std::ranges::none_of(path, [](char c) {
                        return static_cast<unsigned char>(c) < 0x20 || c == '\x7f';
                      });
  if (isGood) return {};
  return fail(ErrorCode::InvalidArgument,
              "the path of an asset begins with \"/\" and has at most " +
                  std::to_string(kPathBytesMax) + " bytes without control characters");
}

Result<> checkScriptFirst(const Config& config) {
  if (config.scriptFirst.size() > kScriptFirstCountMax) {
    return fail(ErrorCode::TooLarge, "run_worker_first has more than " +
                                         std::to_string(kScriptFirstCountMax) + " rules");
  }
  for (const std::string& rule : config.scriptFirst) {
    const std::string_view path = std::string_view(rule).substr(rule.starts_with('!') ? 1 : 0);
    if (!path.starts_with('/') || path.size() > kScriptFirstBytesMax || !checkPattern(path)) {
      return fail(ErrorCode::InvalidArgument,
                  "run_worker_first: a rule is a path such as \"/api/*\" or \"!/api/docs/*\", of "
                  "at most " +
                      std::to_string(kScriptFirstBytesMax) + " bytes with at most one \"*\"");
    }
  }
  return {};
}

void linkCompressed(Files& files) {
  for (auto& [path, file] : files) {
    const auto find = [&](std::string_view ending) -> const Asset* {
      const auto found = files.find(path + std::string(ending));
      return found == files.end() ? nullptr : &found->second;
    };
    file.brotli = find(".br");
    file.gzip = find(".gz");
  }
}

}  // namespace

std::optional<HtmlHandling> parseHtmlHandling(std::string_view name) {
  const auto* const found = std::ranges::find(kHtmlNames, name);
  if (found == std::end(kHtmlNames)) return std::nullopt;
  return static_cast<HtmlHandling>(found - std::begin(kHtmlNames));
}

std::optional<NotFoundHandling> parseNotFoundHandling(std::string_view name) {
  const auto* const found = std::ranges::find(kNotFoundNames, name);
  if (found == std::end(kNotFoundNames)) return std::nullopt;
  return static_cast<NotFoundHandling>(found - std::begin(kNotFoundNames));
}

Result<Site> Site::make(Files files, Config config) {
  for (const auto& [path, file] : files) ATOLL_TRY_VOID(checkPath(path));
  ATOLL_TRY_VOID(checkScriptFirst(config));
  Site site;
  ATOLL_TRY(site.redirects_, Redirects::parse(config.redirects));
  ATOLL_TRY(site.headers_, HeaderRules::parse(config.headers));
  site.files_ = std::move(files);
  site.config_ = std::move(config);
  linkCompressed(site.files_);
  return site;
}

bool Site::isScriptsByRule(std::string_view path) const {
  return !matchesAny(config_.scriptFirst, path, /*isNegative=*/true) &&
         matchesAny(config_.scriptFirst, path, /*isNegative=*/false);
}

std::optional<Site::Answer> Site::findBeforeScript(std::string_view target,
                                                   bool isNavigation) const {
  if (!config_.hasScript) return find(target);
  const std::string_view path = pathOf(target);
  if (config_.isScriptFirst || isScriptsByRule(path)) return std::nullopt;
  if (matchesAny(config_.scriptFirst, path, /*isNegative=*/true)) return find(target);
  // Who lists what is the script's means the rest to be the files'.
  const bool withMissing =
      !config_.scriptFirst.empty() || (isNavigation && config_.navigatesToFiles);
  Answer answer = find(target, withMissing);
  if (answer.kind == Kind::None && answer.status == 200) return std::nullopt;
  return answer;
}

Site::Answer Site::find(std::string_view target, bool withMissing) const {
  std::string_view path = pathOf(target);
  std::string rewritten;
  const auto rule = redirects_.find(path);
  if (rule && rule->status != 200) {
    Answer answer{.kind = Kind::Redirect, .status = rule->status, .location = rule->location};
    if (!answer.location.contains('?')) {
      const std::size_t hash = std::min(answer.location.find('#'), answer.location.size());
      answer.location.insert(hash, queryOf(target));
    }
    return answer;
  }
  if (rule) {
    rewritten = rule->location.substr(0, rule->location.find_first_of("?#"));
    path = rewritten;
  }
  const auto name = fileNameOf(path);
  Answer answer;
  if (name) {
    // The URL stays where a rule has the file of another path answer.
    answer = findFile(*name, /*mayRedirect=*/!rule);
    if (answer.kind == Kind::None && withMissing) answer = findMissing(*name);
  }
  if (answer.kind == Kind::Redirect) {
    answer.location = encodePath(answer.location) + std::string(queryOf(target));
  }
  // A rule that names nothing is no script's business either.
  if (rule && answer.kind == Kind::None) answer.status = 404;
  return answer;
}

HeaderRules::Changes Site::headersFor(std::string_view host, std::string_view target) const {
  return headers_.find(host, pathOf(target));
}

Site::Answer Site::serve(std::string_view path) const {
  const auto found = files_.find(path);
  if (found == files_.end()) return {};
  return {.kind = Kind::File, .file = &found->second, .location = {}};
}

Site::Answer Site::findFile(const std::string& path, bool mayRedirect) const {
  return config_.html == HtmlHandling::None ? serve(path) : findPage(path, mayRedirect);
}

Site::Answer Site::redirect(const std::string& path, const std::string& file,
                            const std::string& to) const {
  const auto found = files_.find(file);
  if (found == files_.end() || to == path || to.empty()) return {};
  const Answer there = findPage(to, /*mayRedirect=*/false);
  if (there.kind != Kind::File || there.file != &found->second) return {};
  return {.kind = Kind::Redirect, .status = 307, .location = to};
}

std::string Site::shownAt(const std::string& base, bool isIndex) const {
  if (base.empty()) return "/";
  const bool isForced = config_.html == HtmlHandling::ForceTrailingSlash;
  const bool isDropped = config_.html == HtmlHandling::DropTrailingSlash;
  return isForced || (isIndex && !isDropped) ? base + "/" : base;
}

Site::Answer Site::redirectToPage(const std::string& path, const std::string& base) const {
  Answer answer = redirect(path, base + "/index.html", shownAt(base, true));
  if (answer.kind != Kind::None || base.empty()) return answer;
  return redirect(path, base + ".html", shownAt(base, false));
}

/// https://developers.cloudflare.com/workers/static-assets/routing/advanced/html-handling/
Site::Answer Site::findPage(const std::string& path, bool mayRedirect) const {
  const bool isForced = config_.html == HtmlHandling::ForceTrailingSlash;
  const bool isDropped = config_.html == HtmlHandling::DropTrailingSlash;
  const auto firstOf = [](Answer answer, auto otherwise) {
    return answer.kind == Kind::None ? otherwise() : answer;
  };
  const auto toPage = [&](const std::string& base) {
    return mayRedirect ? redirectToPage(path, base) : Answer{};
  };
  const auto to = [&](const std::string& file, const std::string& place) {
    return mayRedirect ? redirect(path, file, place) : Answer{};
  };
  if (path.ends_with('/')) {
    const std::string base = without(path, "/");
    Answer answer;
    if (!isDropped || base.empty()) answer = serve(path + "index.html");
    if (answer.kind == Kind::None && isForced && !base.empty()) answer = serve(base + ".html");
    return firstOf(answer, [&] { return toPage(base); });
  }
  Answer answer;
  if (path.ends_with("/index")) {
    answer = firstOf(serve(path), [&] { return toPage(without(path, "/index")); });
  } else if (path.ends_with("/index.html")) {
    const std::string base = without(path, "/index.html");
    answer = to(path, shownAt(base, true));
    if (answer.kind == Kind::None) answer = firstOf(serve(path), [&] { return toPage(base); });
  } else if (path.ends_with(kHtml)) {
    const std::string base = without(path, kHtml);
    answer = to(path, shownAt(base, false));
    if (answer.kind == Kind::None && isForced) answer = serve(path);
    if (answer.kind == Kind::None) answer = to(base + "/index.html", shownAt(base, true));
  }
  if (answer.kind == Kind::None) answer = serve(path);
  if (answer.kind == Kind::None && !isForced) answer = serve(path + ".html");
  if (answer.kind == Kind::None && isDropped) answer = serve(path + "/index.html");
  return firstOf(answer, [&] { return toPage(path); });
}

Site::Answer Site::findMissing(const std::string& path) const {
  if (config_.notFound == NotFoundHandling::SinglePage) return serve("/index.html");
  if (config_.notFound != NotFoundHandling::Page404) return {};
  for (std::string folder = path; !folder.empty();) {
    folder.resize(std::min(folder.rfind('/'), folder.size() - 1));
    Answer answer = serve(folder + "/404.html");
    if (answer.kind == Kind::None) continue;
    answer.status = 404;
    return answer;
  }
  return {};
}

}  // namespace atolld::assets
