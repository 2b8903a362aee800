#include "html/tree.h"

#include <algorithm>
#include <array>

#include "base/encoding.h"
#include "html/selector.h"

namespace atolld::html {
namespace {

template <std::size_t N>
bool isOneOf(const std::array<std::string_view, N>& sorted, std::string_view name) {
  return std::ranges::binary_search(sorted, name);
}

/// https://html.spec.whatwg.org/#void-elements, and what parsers treat like them.
constexpr std::array<std::string_view, 19> kVoid{
    "area",  "base",   "basefont", "bgsound", "br",    "col",    "embed", "frame", "hr", "img",
    "input", "keygen", "link",     "meta",    "param", "source", "track", "wbr",   "~"};

constexpr std::array<std::string_view, 9> kRawText{
    "iframe", "noembed", "noframes", "noscript", "style", "textarea", "title", "xmp", "~"};

/// Start tags that end foreign content.
/// https://html.spec.whatwg.org/#parsing-main-inforeign
constexpr std::array<std::string_view, 44> kBreakout{
    "b",      "big",  "blockquote", "body",  "br",   "center", "code",    "dd",   "div",
    "dl",     "dt",   "em",         "embed", "h1",   "h2",     "h3",      "h4",   "h5",
    "h6",     "head", "hr",         "i",     "img",  "li",     "listing", "menu", "meta",
    "nobr",   "ol",   "p",          "pre",   "ruby", "s",      "small",   "span", "strike",
    "strong", "sub",  "sup",        "table", "tt",   "u",      "ul",      "var"};

constexpr std::array<std::string_view, 5> kMathText{"mi", "mn", "mo", "ms", "mtext"};
constexpr std::array<std::string_view, 3> kSvgHtml{"desc", "foreignobject", "title"};

TextMode modeOf(std::string_view name) {
  if (name == "script") return TextMode::Script;
  if (name == "plaintext") return TextMode::PlainText;
  return isOneOf(kRawText, name) ? TextMode::RawText : TextMode::Data;
}

}  // namespace

bool Tree::foreign() const {
  return !elements_.empty() && elements_.back().space != Namespace::Html;
}

Namespace Tree::namespaceFor(const Token& tag) const {
  if (foreign()) {
    const Element& around = elements_.back();
    const bool inside = around.htmlInside &&
                        !(around.textOnly && (tag.name == "mglyph" || tag.name == "malignmark"));
    const bool svgInAnnotation = around.name == "annotation-xml" && tag.name == "svg";
    if (!inside && !svgInAnnotation) return around.space;
  }
  if (tag.name == "svg") return Namespace::Svg;
  if (tag.name == "math") return Namespace::MathMl;
  return Namespace::Html;
}

std::size_t Tree::countBroken(const Token& tag) const {
  if (!foreign() || elements_.back().htmlInside) return 0;
  const bool font =
      tag.name == "font" &&
      (findAttribute(tag, "color") || findAttribute(tag, "face") || findAttribute(tag, "size"));
  if (!font && !isOneOf(kBreakout, tag.name)) return 0;
  std::size_t count = 0;
  for (std::size_t i = elements_.size(); i-- > 0; ++count) {
    if (elements_[i].space == Namespace::Html || elements_[i].htmlInside) break;
  }
  return count;
}

bool Tree::hasContent(const Token& tag) const {
  return namespaceFor(tag) == Namespace::Html ? !isOneOf(kVoid, tag.name) : !tag.selfClosing;
}

bool Tree::open(const Token& tag, Tokenizer& tokenizer) {
  if (!hasContent(tag)) return false;
  const Namespace space = namespaceFor(tag);
  if (space == Namespace::Html) {
    if (const TextMode mode = modeOf(tag.name); mode != TextMode::Data) {
      tokenizer.setTextMode(mode, tag.name);
    }
  }
  Element element{.name = tag.name, .space = space};
  if (space == Namespace::Svg) {
    element.htmlInside = isOneOf(kSvgHtml, tag.name);
  } else if (space == Namespace::MathMl) {
    element.textOnly = isOneOf(kMathText, tag.name);
    const auto encoding = findAttribute(tag, "encoding").value_or("");
    element.htmlInside =
        element.textOnly ||
        (tag.name == "annotation-xml" && (equalsIgnoringCase(encoding, "text/html") ||
                                          equalsIgnoringCase(encoding, "application/xhtml+xml")));
  }
  ++counts_[tag.name];
  elements_.push_back(std::move(element));
  tokenizer.allowCdata(foreign());
  return true;
}

std::size_t Tree::countClosed(std::string_view name) const {
  // An end tag without a start tag must not cost a search.
  if (!counts_.contains(std::string(name))) return 0;
  for (std::size_t i = elements_.size(); i-- > 0;) {
    if (elements_[i].name == name) return elements_.size() - i;
  }
  return 0;
}

void Tree::close(std::size_t count, Tokenizer& tokenizer) {
  for (; count > 0; --count) {
    const auto counted = counts_.find(elements_.back().name);
    if (--counted->second == 0) counts_.erase(counted);
    elements_.pop_back();
  }
  tokenizer.allowCdata(foreign());
}

}  // namespace atolld::html
