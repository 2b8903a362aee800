#include "html/rewriter.h"

#include <doctest/doctest.h>

#include <functional>

namespace atolld::html {
namespace {

using Event = Rewriter::Event;
using Place = Rewriter::Place;
using Handle = std::function<void(Rewriter&, Event)>;

std::string rewrite(Rewriter& rewriter, std::string_view html, const Handle& handle,
                    std::size_t step = SIZE_MAX) {
  std::string out;
  bool ended = false;
  for (;;) {
    const Event event = rewriter.next();
    for (const Content& content : rewriter.takeOutput()) {
      out += content.stream == 0 ? content.bytes : "{" + std::to_string(content.stream) + "}";
    }
    if (event == Event::Finished) return out;
    if (event == Event::OutOfMemory) return "out of memory";
    if (event != Event::NeedsInput) {
      handle(rewriter, event);
    } else if (html.empty()) {
      REQUIRE_FALSE(ended);
      ended = true;
      rewriter.end();
    } else {
      rewriter.write(html.substr(0, step));
      html.remove_prefix(std::min(step, html.size()));
    }
  }
}

constexpr Rewriter::Wants kAll{.element = true, .comments = true, .text = true};

/// One handler for `selector`, whose element events do `edit`; the same however the page is cut.
std::string edited(std::string_view selector, std::string_view html,
                   const std::function<void(Rewriter&)>& edit) {
  std::string first;
  for (const std::size_t step : {SIZE_MAX, std::size_t{1}, std::size_t{7}}) {
    Rewriter rewriter(1 << 20);
    REQUIRE(rewriter.addSelector(selector, {.element = true}));
    const std::string out = rewrite(rewriter, html, [&](Rewriter& r, Event) { edit(r); }, step);
    if (first.empty()) first = out;
    CHECK(out == first);
  }
  return first;
}

void put(Rewriter& rewriter, Place place, std::string html) {
  CHECK(rewriter.insert(place, {std::move(html)}));
}

}  // namespace

TEST_CASE("What no handler changes comes out byte by byte") {
  constexpr std::string_view kPage =
      "<!DOCTYPE  html >\n<HTML a = 1><body class='x'  b><p>1<P>2<!-- c --><br/>\xff\xfe<script>"
      "a<b</script></body  ></html><x";
  CHECK(edited("*", kPage, [](Rewriter&) {}) == kPage);
  CHECK(edited("nothing", kPage, [](Rewriter&) {}) == kPage);
}

TEST_CASE("Content goes where it is put, in the order of the calls") {
  CHECK(edited("p", "<a><p>x</p></a>", [](Rewriter& r) {
          put(r, Place::Before, "1");
          put(r, Place::Before, "2");
          put(r, Place::Prepend, "3");
          put(r, Place::Prepend, "4");
          put(r, Place::Append, "5");
          put(r, Place::Append, "6");
          put(r, Place::After, "7");
          put(r, Place::After, "8");
        }) == "<a>12<p>43x56</p>87</a>");
  CHECK(edited("br", "a<br>b", [](Rewriter& r) {
          put(r, Place::Before, "1");
          put(r, Place::Prepend, "2");
          put(r, Place::Append, "3");
          put(r, Place::After, "4");
        }) == "a1<br>4b");
}

TEST_CASE("Elements are replaced, emptied, removed and unwrapped, with what is inside") {
  constexpr std::string_view kPage = "<div>a<p>b<i>c</i></p>d</div>";
  CHECK(edited("p", kPage, [](Rewriter& r) { put(r, Place::Replace, "<hr>"); }) ==
        "<div>a<hr>d</div>");
  CHECK(edited("p", kPage, [](Rewriter& r) { put(r, Place::Inner, "new"); }) ==
        "<div>a<p>new</p>d</div>");
  CHECK(edited("p", kPage, [](Rewriter& r) { r.remove(); }) == "<div>ad</div>");
  CHECK(edited("p", kPage, [](Rewriter& r) { r.removeAndKeepContent(); }) ==
        "<div>ab<i>c</i>d</div>");
  CHECK(edited("p", kPage, [](Rewriter& r) {
          r.remove();
          put(r, Place::Before, "1");
          put(r, Place::After, "2");
        }) == "<div>a12d</div>");
  CHECK(edited("p, i", kPage, [](Rewriter& r) { r.removeAndKeepContent(); }) == "<div>abcd</div>");
  // Nested removals, and an end tag that ends more than one.
  CHECK(edited("p, i", "<div><p><i>x</div>y", [](Rewriter& r) { r.remove(); }) == "<div></div>y");
  CHECK(edited("div", "a<div>b", [](Rewriter& r) { r.remove(); }) == "a");
}

TEST_CASE("Attributes are read and changed, and what is not changed stays as it was") {
  std::string seen;
  CHECK(edited("a", "<A  HREF='x&amp;y' b  c=\"1\">t</A>", [&](Rewriter& r) {
          seen = std::string(*r.attribute("href")) + std::string(*r.attribute("b"));
          CHECK(r.tagName() == "a");
          CHECK(r.hasAttribute("b"));
          CHECK_FALSE(r.hasAttribute("d"));
          r.setAttribute("c", "say \"2\"");
          r.setAttribute("d", "");
          r.removeAttribute("b");
          r.removeAttribute("nothing");
          CHECK(r.attribute("c") == "say \"2\"");
          CHECK(r.attributes().size() == 3);
        }) == "<a HREF='x&amp;y' c=\"say &quot;2&quot;\" d=\"\">t</A>");
  CHECK(seen == "x&amp;y");
  CHECK(edited("br", "<br x/>", [](Rewriter& r) { r.setAttribute("y", "1"); }) ==
        "<br x y=\"1\" />");
}

TEST_CASE("A new tag name is the end tag's too") {
  CHECK(edited("b", "<b x='1'>t<b>u</b></b>", [](Rewriter& r) { r.setTagName("strong"); }) ==
        "<strong x='1'>t<strong>u</strong></strong>");
}

TEST_CASE("End tags have their own event, and their own edits") {
  Rewriter rewriter(1 << 20);
  REQUIRE(rewriter.addSelector("p, br", {.element = true}));
  std::string ids;
  const std::string out = rewrite(rewriter, "<p>a</p><br><p>b", [&](Rewriter& r, Event event) {
    if (event == Event::Element) {
      ids += std::to_string(r.onEndTag());
      put(r, Place::Append, "1");
      put(r, Place::After, "4");
    } else {
      CHECK(event == Event::EndTag);
      CHECK(r.endTagId() == 1);
      CHECK(r.tagName() == "p");
      put(r, Place::Before, "2");
      put(r, Place::After, "3");
      r.setTagName("q");
    }
  });
  CHECK(ids == "102");
  CHECK(out == "<p>a12</q>34<br>4<p>b");
}

TEST_CASE(
    "Texts and comments inside an element come to its handlers, the last piece of a text is "
    "empty") {
  Rewriter rewriter(1 << 20);
  REQUIRE(rewriter.addSelector("div", kAll));
  REQUIRE(rewriter.addSelector("p", {.text = true}));
  std::string log;
  const std::string out =
      rewrite(rewriter, "no<div>a<p>b</p><!--c--></div>no", [&](Rewriter& r, Event event) {
        for (const std::uint32_t handler : r.handlers()) log += std::to_string(handler);
        if (event == Event::Element) log += "E ";
        if (event == Event::Comment) {
          log += "C" + std::string(r.commentText()) + " ";
          r.setCommentText("new");
        }
        if (event == Event::Text) {
          log += r.lastInTextNode() ? "T. " : "T" + std::string(r.token().raw) + " ";
          if (!r.lastInTextNode()) put(r, Place::Replace, "[" + std::string(r.token().raw) + "]");
          if (r.lastInTextNode()) put(r, Place::Before, "|");
        }
      });
  CHECK(log == "0E 0Ta 0T. 01Tb 01T. 0Cc ");
  CHECK(out == "no<div>[a]|<p>[b]|</p><!--new--></div>no");
}

TEST_CASE("Document handlers see doctype, comments, all text and the end") {
  Rewriter rewriter(1 << 20);
  rewriter.addDocument({.comments = true, .text = true, .doctype = true, .end = true});
  std::string log;
  const std::string out =
      rewrite(rewriter, "<!doctype html>a<p>b</p><!--c-->", [&](Rewriter& r, Event event) {
        log += event == Event::Doctype ? "D"
               : event == Event::Text  ? "T"
               : event == Event::End   ? "E"
                                       : "C";
        if (event == Event::End) put(r, Place::Append, "end");
        if (event == Event::Comment) r.remove();
      });
  CHECK(log == "DTTTTCE");
  CHECK(out == "<!doctype html>a<p>b</p>end");
}

TEST_CASE("Streams keep their place in the output") {
  Rewriter rewriter(1 << 20);
  REQUIRE(rewriter.addSelector("p", {.element = true}));
  CHECK(rewrite(rewriter, "a<p>b</p>c", [](Rewriter& r, Event) {
          CHECK(r.insert(Place::Prepend, {{}, 7}));
          CHECK(r.insert(Place::After, {{}, 8}));
        }) == "a<p>{7}b</p>{8}c");
}

TEST_CASE("Foreign content has its own rules") {
  std::string log;
  const auto note = [&](Rewriter& r) {
    log += r.tagName() + (r.tagNamespace() == Namespace::Svg      ? ":s "
                          : r.tagNamespace() == Namespace::MathMl ? ":m "
                                                                  : ":h ");
  };
  edited("*", "<svg><title><b></b></title><a/><style><c></c></style></svg><p></p>", note);
  CHECK(log.starts_with("svg:s title:s b:h a:s style:s c:s p:h "));
  log.clear();
  edited("*", "<math><mi><p></p><mglyph></mglyph></mi><x></x></math><style><c></style>", note);
  CHECK(log.starts_with("math:m mi:m p:h mglyph:m x:m style:h math"));
  log.clear();
  edited("*", "<svg><g><div><br></div>", note);
  CHECK(log.starts_with("svg:s g:s div:h br:h "));
}

TEST_CASE("Memory is bounded: by the token, by what is open, and by what handlers put in") {
  const auto outcome = [](std::string_view selector, std::string_view html, const Handle& handle) {
    Rewriter rewriter(10000);
    REQUIRE(rewriter.addSelector(selector, {.element = true}));
    return rewrite(rewriter, html, handle, 1000);
  };
  const auto nothing = [](Rewriter&, Event) {};
  CHECK(outcome("x", "<a " + std::string(20000, 'b'), nothing) == "out of memory");
  CHECK(outcome("x", std::string(200000, 'b'), nothing).size() == 200000);
  std::string deep;
  for (int i = 0; i < 1000; ++i) deep += "<a>";
  CHECK(outcome("x", deep, nothing) == "out of memory");
  std::string types;
  for (int i = 0; i < 1000; ++i)
    types += "<b" + std::to_string(i) + "></b" + std::to_string(i) + ">";
  CHECK(outcome("x:nth-of-type(2)", types, nothing) == "out of memory");
  outcome("a", "<a>", [](Rewriter& r, Event) {
    CHECK(r.insert(Place::After, {std::string(6000, 'x')}));
    CHECK_FALSE(r.insert(Place::After, {std::string(6000, 'x')}));
  });
}

TEST_CASE("escapeText makes text of markup") {
  CHECK(escapeText("a<b>&\"") == "a&lt;b&gt;&amp;\"");
}

}  // namespace atolld::html
