#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "html/tokenizer.h"

namespace atolld::html {

enum class Namespace : std::uint8_t { Html, Svg, MathMl };

/// Which elements are open, as far as the tags say: no element is made or moved that has no tag,
/// and only an end tag ends one. Tells the tokenizer how to read on.
class Tree {
 public:
  /// Takes a start tag in: true if the element is open then, false if it has no content.
  bool open(const Token& tag, Tokenizer& tokenizer);
  /// Whether a start tag's element has content and an end tag.
  bool hasContent(const Token& tag) const;
  /// How many open elements a tag with that name ends: 0 if it ends none.
  std::size_t countClosed(std::string_view name) const;
  void close(std::size_t count, Tokenizer& tokenizer);
  /// Elements that a start tag ends which cannot be in foreign content.
  std::size_t countBroken(const Token& tag) const;

  /// Where a start tag's element will be.
  Namespace namespaceFor(const Token& tag) const;
  std::size_t depth() const noexcept { return elements_.size(); }

 private:
  struct Element {
    std::string name;
    Namespace space = Namespace::Html;
    bool htmlInside = false;  ///< An integration point.
    bool textOnly = false;    ///< One for text: two MathML elements stay MathML.
  };
  bool foreign() const;

  std::vector<Element> elements_;
  std::unordered_map<std::string, std::size_t> counts_;  ///< Open elements by name.
};

}  // namespace atolld::html
