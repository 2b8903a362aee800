#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "html/tokenizer.h"

/// CSS selectors as far as they can be answered while a document streams by: nothing in them looks
/// at what comes after a start tag, or at an element's siblings but to count them.
/// @spec https://www.w3.org/TR/selectors-4/
namespace atolld::html {

/// a*n + b, n from 0.
struct Nth {
  int a = 0;
  int b = 0;
  bool contains(std::uint32_t index) const;
};

/// Where an element stands among its parent's children so far, from 1.
struct Position {
  std::uint32_t ofAll = 1;
  std::uint32_t ofType = 1;
};

struct Compound;

/// One condition on one element.
struct Condition {
  enum class Kind : std::uint8_t {
    Type,
    Attribute,  ///< Named `name`; with `how`, a comparison of its value.
    NthChild,
    NthOfType,
    Not,
  };
  enum class How : std::uint8_t { Exists, Equals, Word, Dash, Prefix, Suffix, Contains };
  Kind kind = Kind::Type;
  How how = How::Exists;
  bool ignoreCase = false;
  std::string name;
  std::string value;
  Nth nth;
  std::vector<Compound> none;  ///< Of Not.
};

/// Conditions that hold for one element together.
struct Compound {
  std::vector<Condition> conditions;
  bool matches(const Token& tag, Position position) const;
};

/// Compounds from the outermost element inwards.
struct ComplexSelector {
  struct Step {
    Compound compound;
    bool child = false;  ///< Right inside of what the step before matched; else anywhere inside.
  };
  std::vector<Step> steps;
};

/// "a, b > c".
struct SelectorList {
  std::vector<ComplexSelector> selectors;
  bool countsTypes = false;  ///< It asks for Position::ofType.
};

/// @error InvalidArgument  with a text that names what is wrong, or not supported
Result<SelectorList> parseSelector(std::string_view text);

/// The raw value of a tag's first attribute of that name (in lower case), if there is one.
std::optional<std::string_view> findAttribute(const Token& tag, std::string_view lowerName);

}  // namespace atolld::html
