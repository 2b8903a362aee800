#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "assets/header_rules.h"
#include "assets/redirects.h"
#include "base/result.h"

namespace atolld::assets {

/// How a path becomes a file, for HTML: with, without, or either way of a slash at the end.
enum class HtmlHandling : std::uint8_t {
  AutoTrailingSlash,
  ForceTrailingSlash,
  DropTrailingSlash,
  None
};
enum class NotFoundHandling : std::uint8_t { None, SinglePage, Page404 };

/// "auto-trailing-slash" …, as projects write it.
std::optional<HtmlHandling> parseHtmlHandling(std::string_view name);
/// "none", "single-page-application", "404-page"
std::optional<NotFoundHandling> parseNotFoundHandling(std::string_view name);

struct Config {
  HtmlHandling html = HtmlHandling::AutoTrailingSlash;
  NotFoundHandling notFound = NotFoundHandling::None;
  bool hasScript = true;         ///< Else every request is the assets'.
  bool isScriptFirst = false;    ///< Every request is the script's, which has env.ASSETS.
  bool navigatesToFiles = true;  ///< A person who goes to a path that names nothing is shown the
                                 ///< page for that, and the script is not asked.
  std::vector<std::string> scriptFirst;  ///< "/api/*", "!/api/docs/*": those are the script's.
  std::string redirects;                 ///< The text of _redirects.
  std::string headers;                   ///< The text of _headers.
};

struct Asset {
  std::string hash;         ///< SHA-256 of the content, raw: what the store shares it by.
  std::string contentType;  ///< As it is sent; empty: not said.
  std::uint64_t sizeBytes = 0;
  std::string uploadHash;  ///< What its uploader calls the content; trusted for nothing else.
  /// The same content compressed, from the files of this name with ".br" and ".gz"; null: none.
  const Asset* brotli = nullptr;
  const Asset* gzip = nullptr;
};

using Files = std::map<std::string, Asset, std::less<>>;

/// A version's files and how requests find them. Immutable once made: any thread.
class Site {
 public:
  /// Paths begin with "/", decoded. @error InvalidArgument  a rule or path that means nothing;
  /// TooLarge
  static Result<Site> make(Files files, Config config);
  Site(Site&&) = default;
  Site& operator=(Site&&) = default;
  Site(const Site&) = delete;  // Its files point at each other.
  Site& operator=(const Site&) = delete;

  /// What answers a request.
  struct Answer {
    enum class Kind : std::uint8_t { None, File, Redirect } kind = Kind::None;
    const Asset* file = nullptr;  ///< Of the site.
    int status = 200;
    std::string location;  ///< As a header may say it.
  };

  /// What answers a client; nothing where that is the script's to do.
  /// @param target  path and query as received
  /// @param isNavigation  a browser shows a person where they go
  std::optional<Answer> findBeforeScript(std::string_view target, bool isNavigation) const;
  /// By _redirects, the path, and what there is for paths that name nothing.
  Answer find(std::string_view target) const { return find(target, /*withMissing=*/true); }
  /// What _headers says for a file's answer: to take away, then to set.
  HeaderRules::Changes headersFor(std::string_view host, std::string_view target) const;

  const Files& files() const noexcept { return files_; }
  const Config& config() const noexcept { return config_; }

 private:
  Site() = default;
  bool isScriptsByRule(std::string_view path) const;
  Answer find(std::string_view target, bool withMissing) const;
  Answer serve(std::string_view path) const;
  Answer findFile(const std::string& path, bool mayRedirect) const;
  Answer findPage(const std::string& path, bool mayRedirect) const;
  /// To where the same file answers, and only there: never round in circles.
  Answer redirect(const std::string& path, const std::string& file, const std::string& to) const;
  Answer redirectToPage(const std::string& path, const std::string& base) const;
  /// The place that shows "<base>.html" or "<base>/index.html".
  std::string shownAt(const std::string& base, bool isIndex) const;
  Answer findMissing(const std::string& path) const;

  Files files_;
  Config config_;
  Redirects redirects_;
  HeaderRules headers_;
};

}  // namespace atolld::assets
