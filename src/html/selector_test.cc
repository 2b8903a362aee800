#include "html/selector.h"

#include <doctest/doctest.h>

#include "html/rewriter.h"

namespace atolld::html {
namespace {

/// The ids of the elements that match, in order.
std::string matches(std::string_view selector, std::string_view html) {
  Rewriter rewriter(1 << 20);
  const Result<> added = rewriter.addSelector(selector, {.element = true});
  if (!added) return added.error().detail;
  rewriter.write(html);
  rewriter.end();
  std::string ids;
  for (auto event = rewriter.next(); event != Rewriter::Event::Finished; event = rewriter.next()) {
    if (event == Rewriter::Event::Element) ids += rewriter.attribute("id").value_or("?");
  }
  return ids;
}

constexpr std::string_view kPage =
    "<div id=a class='x y'><p id=b>1</p><p id=c class=y>2<br id=d><b id=e data-k='Hello-World'>"
    "3</b></p><section id=f><p id=g lang=en-US>4</p><P ID=h>5</P></section></div>"
    "<p id=i title=\"a b\">6</p>";

}  // namespace

TEST_CASE("Selectors match what the specification says") {
  struct Row {
    std::string_view selector, ids;
  };
  for (const Row& row : {
           Row{"*", "abcdefghi"},
           Row{"p", "bcghi"},
           Row{"P", "bcghi"},
           Row{"br, b", "de"},
           Row{".y", "ac"},
           Row{".x.y", "a"},
           Row{"#g", "g"},
           Row{"p#c.y", "c"},
           Row{"div p", "bcgh"},
           Row{"div > p", "bc"},
           Row{"div>p>b", "e"},
           Row{"div b", "e"},
           Row{"div section > p", "gh"},
           Row{"section  p  , #i", "ghi"},
           Row{"[title]", "i"},
           Row{"[title='a b']", "i"},
           Row{"[ title = \"a b\" ]", "i"},
           Row{"[title~=b]", "i"},
           Row{"[class~='x y']", ""},
           Row{"[lang|=en]", "g"},
           Row{"[lang|=en-US]", "g"},
           Row{"[lang|=e]", ""},
           Row{"[data-k^=Hello]", "e"},
           Row{"[data-k$='World']", "e"},
           Row{"[data-k*='o-W']", "e"},
           Row{"[data-k*='O-w']", ""},
           Row{"[data-k*='O-w' i]", "e"},
           Row{"[data-k='hello-world'i]", "e"},
           Row{"[data-k=hello-world s]", ""},
           Row{"[data-k^='']", ""},
           Row{"[data-k*='']", ""},
           Row{":first-child", "abdg"},
           Row{"p:first-child", "bg"},
           Row{"p:nth-child(2)", "chi"},
           Row{"p:nth-child(odd)", "bg"},
           Row{"p:nth-child( 2n )", "chi"},
           Row{"p:nth-child(-n+1)", "bg"},
           Row{"p:nth-child(n+2)", "chi"},
           Row{"p:nth-child(+3n - 1)", "chi"},
           Row{"p:nth-of-type(2)", "ch"},
           Row{"p:first-of-type", "bgi"},
           Row{"section:nth-of-type(1)", "f"},
           Row{"p:not(.y)", "bghi"},
           Row{"p:not(.y, :first-child)", "hi"},
           Row{":not(p)", "adef"},
           Row{"div p:not([lang]):nth-child(2)", "ch"},
           Row{"\\70", "bcghi"},
           Row{"#\\62 ", "b"},
       }) {
    CAPTURE(row.selector);
    CHECK(matches(row.selector, kPage) == row.ids);
  }
}

TEST_CASE("What cannot be answered in a stream, or is no selector, is refused with a reason") {
  for (std::string_view selector : {"",
                                    " ",
                                    ",",
                                    "a,",
                                    "a >",
                                    "> a",
                                    "a + b",
                                    "a ~ b",
                                    "a || b",
                                    "svg|a",
                                    "[svg|x]",
                                    "a::before",
                                    ":hover",
                                    ":nth-last-child(1)",
                                    ":nth-child(x)",
                                    ":nth-child(",
                                    ":nth-child(2n+)",
                                    ":nth-child(99999999999)",
                                    ":not(a b)",
                                    ":not()",
                                    ":not(a",
                                    ".",
                                    "#",
                                    ".1a",
                                    "[",
                                    "[a",
                                    "[a=",
                                    "[a=']",
                                    "[a=b c]",
                                    "[a!=b]",
                                    "a$",
                                    "a]",
                                    "\\",
                                    "a\\\n",
                                    "1a"}) {
    CAPTURE(selector);
    const auto parsed = parseSelector(selector);
    REQUIRE_FALSE(parsed);
    CHECK(parsed.error().code == ErrorCode::InvalidArgument);
    CHECK(parsed.error().detail.contains("cannot be used: "));
  }
  CHECK_FALSE(parseSelector(std::string(20000, 'a')));
  std::string deep;
  for (int i = 0; i < 1000; ++i) deep += ":not(";
  CHECK_FALSE(parseSelector(deep));
}

}  // namespace atolld::html
