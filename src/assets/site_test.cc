#include "assets/site.h"

#include <doctest/doctest.h>

#include <initializer_list>

namespace atolld::assets {
namespace {

Site siteOf(std::initializer_list<std::string_view> paths, Config config) {
  Files files;
  for (const std::string_view path : paths) files[std::string(path)].uploadHash = path;
  return Site::make(std::move(files), std::move(config)).value();
}

std::string shown(const Site::Answer& answer) {
  switch (answer.kind) {
    case Site::Answer::Kind::None:
      return "-";
    case Site::Answer::Kind::File:
      return (answer.status == 200 ? "" : std::to_string(answer.status) + " ") +
             answer.file->uploadHash;
    case Site::Answer::Kind::Redirect:
      return std::to_string(answer.status) + " -> " + answer.location;
  }
  return "?";
}

std::string shown(const std::optional<Site::Answer>& answer) {
  return answer ? shown(*answer) : "script";
}

struct Row {
  std::string_view target, answer;
};

void check(const Site& site, std::initializer_list<Row> rows) {
  for (const Row& row : rows) {
    CAPTURE(row.target);
    CHECK(shown(site.find(row.target)) == row.answer);
  }
}

}  // namespace

TEST_CASE("auto-trailing-slash: files without a slash, folders with one") {
  const Site site = siteOf({"/index.html", "/file.html", "/folder/index.html", "/both.html",
                            "/both/index.html", "/raw", "/raw.html", "/a b.txt"},
                           {});
  check(site, {{"/", "/index.html"},
               {"/index", "307 -> /"},
               {"/index.html", "307 -> /"},
               {"/file", "/file.html"},
               {"/file.html", "307 -> /file"},
               {"/file/", "307 -> /file"},
               {"/file/index", "307 -> /file"},
               {"/file/index.html", "307 -> /file"},
               {"/folder", "307 -> /folder/"},
               {"/folder/", "/folder/index.html"},
               {"/folder.html?q=1", "307 -> /folder/?q=1"},
               {"/folder/index", "307 -> /folder/"},
               {"/folder/index.html", "307 -> /folder/"},
               {"/both", "/both.html"},
               {"/both/", "/both/index.html"},
               {"/raw", "/raw"},
               {"/raw.html", "/raw.html"},
               {"/a%20b.txt", "/a b.txt"},
               {"//file", "/file.html"},
               {"/FILE", "-"},
               {"/%zz", "-"},
               {"/../file", "-"},
               {"/none", "-"}});
}

TEST_CASE("force-trailing-slash: all pages with a slash") {
  const Site site = siteOf({"/index.html", "/file.html", "/folder/index.html", "/both.html",
                            "/both/index.html", "/app.js"},
                           {.html = HtmlHandling::ForceTrailingSlash});
  check(site, {{"/", "/index.html"},
               {"/index.html", "307 -> /"},
               {"/file", "307 -> /file/"},
               {"/file/", "/file.html"},
               {"/file.html", "307 -> /file/"},
               {"/folder", "307 -> /folder/"},
               {"/folder/", "/folder/index.html"},
               {"/folder/index.html", "307 -> /folder/"},
               {"/both", "307 -> /both/"},
               {"/both/", "/both/index.html"},
               {"/both.html", "/both.html"},
               {"/app.js", "/app.js"},
               {"/app.js/", "-"}});
}

TEST_CASE("drop-trailing-slash: all pages without") {
  const Site site =
      siteOf({"/index.html", "/file.html", "/folder/index.html", "/both.html", "/both/index.html"},
             {.html = HtmlHandling::DropTrailingSlash});
  check(site, {{"/", "/index.html"},
               {"/index", "307 -> /"},
               {"/file", "/file.html"},
               {"/file/", "307 -> /file"},
               {"/file.html", "307 -> /file"},
               {"/folder", "/folder/index.html"},
               {"/folder/", "307 -> /folder"},
               {"/folder/index", "307 -> /folder"},
               {"/folder/index.html", "307 -> /folder"},
               {"/both", "/both.html"},
               {"/both/", "307 -> /both"},
               {"/both/index.html", "/both/index.html"}});
}

TEST_CASE("none: the path is the file") {
  const Site site = siteOf({"/index.html", "/file.html"}, {.html = HtmlHandling::None});
  check(site, {{"/", "-"}, {"/index.html", "/index.html"}, {"/file", "-"}});
}

TEST_CASE("what is not there: nothing, the page of the nearest folder, or the application") {
  const std::initializer_list<std::string_view> files{"/index.html", "/404.html", "/a/404.html"};
  check(siteOf(files, {}), {{"/x", "-"}});
  check(siteOf(files, {.notFound = NotFoundHandling::Page404}),
        {{"/x", "404 /404.html"}, {"/a/b/c", "404 /a/404.html"}, {"/ab/c/", "404 /404.html"}});
  check(siteOf(files, {.notFound = NotFoundHandling::SinglePage}), {{"/x/y", "/index.html"}});
  check(siteOf({"/a"}, {.notFound = NotFoundHandling::SinglePage}), {{"/x", "-"}});
}

TEST_CASE("_redirects come first; status 200 has another file answer, or nobody") {
  const Site site =
      siteOf({"/index.html", "/users/id.html", "/old"},
             {.redirects = "/old /new\n/u/:id /users/id.html 200\n/gone /nowhere 200\n"
                           "/query /to?a=1#top\n/hash /to#top\n"});
  check(site, {{"/old?x=1", "302 -> /new?x=1"},
               {"/query?x=1", "302 -> /to?a=1#top"},
               {"/hash?x=1", "302 -> /to?x=1#top"},
               {"/u/7", "/users/id.html"}});
  CHECK(shown(site.findBeforeScript("/gone", false)) == "-");  // Not the script's.
}

TEST_CASE("files are answered before the script, and what names nothing is the script's") {
  const Site site = siteOf({"/index.html"}, {.notFound = NotFoundHandling::SinglePage});
  CHECK(shown(site.findBeforeScript("/", false)) == "/index.html");
  CHECK(shown(site.findBeforeScript("/api", false)) == "script");
  CHECK(shown(site.findBeforeScript("/page", true)) == "/index.html");
  const Site old = siteOf({"/index.html"},
                          {.notFound = NotFoundHandling::SinglePage, .navigatesToFiles = false});
  CHECK(shown(old.findBeforeScript("/page", true)) == "script");
  const Site alone =
      siteOf({"/index.html"}, {.notFound = NotFoundHandling::SinglePage, .hasScript = false});
  CHECK(shown(alone.findBeforeScript("/api", false)) == "/index.html");
}

TEST_CASE("run_worker_first: all, or what the rules say, and the rest is the files'") {
  const Site all = siteOf({"/index.html"}, {.isScriptFirst = true});
  CHECK(shown(all.findBeforeScript("/", true)) == "script");
  const Site some =
      siteOf({"/index.html", "/api/docs/index.html", "/api/x"},
             {.notFound = NotFoundHandling::SinglePage, .scriptFirst = {"/api/*", "!/api/docs/*"}});
  CHECK(shown(some.findBeforeScript("/api/x", false)) == "script");
  CHECK(shown(some.findBeforeScript("/api/docs/", false)) == "/api/docs/index.html");
  CHECK(shown(some.findBeforeScript("/page", false)) == "/index.html");
  const Site plain = siteOf({"/index.html"}, {.scriptFirst = {"/api/*"}});
  CHECK(shown(plain.findBeforeScript("/page", false)) == "script");
}

TEST_CASE("a site that means nothing is refused") {
  const auto refused = [](std::string path, Config config) {
    Files files;
    files[std::move(path)] = {};
    return !Site::make(std::move(files), std::move(config)).has_value();
  };
  CHECK_FALSE(refused("/a", {}));
  CHECK(refused("a", {}));
  CHECK(refused("/a\nb", {}));
  CHECK(refused("/" + std::string(1024, 'a'), {}));
  CHECK(refused("/a", {.scriptFirst = {"api/*"}}));
  CHECK(refused("/a", {.scriptFirst = {"/*/*"}}));
  CHECK(refused("/a", {.redirects = "nonsense"}));
  CHECK(refused("/a", {.headers = "nonsense"}));
}

TEST_CASE("compressed copies are found beside the file they are of") {
  const Site site = siteOf({"/a.js", "/a.js.br", "/b.js.gz", "/b.js"}, {});
  const Asset* const a = site.find("/a.js").file;
  CHECK(a->brotli == site.find("/a.js.br").file);
  CHECK(a->gzip == nullptr);
  CHECK(site.find("/b.js").file->gzip == site.find("/b.js.gz").file);
}

}  // namespace atolld::assets
