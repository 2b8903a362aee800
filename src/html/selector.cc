#include "html/selector.h"

#include <algorithm>
#include <cctype>
#include <utility>

#include "base/encoding.h"

namespace atolld::html {
namespace {

/// Of selectors that nest or repeat for ever.
constexpr std::size_t kTextBytesMax = 16 * 1024;
constexpr int kDepthMax = 16;

bool isSpace(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\f' || c == '\r'; }
bool isDigit(char c) { return c >= '0' && c <= '9'; }
bool isNameStart(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (c & 0x80) != 0;
}
bool isName(char c) { return isNameStart(c) || isDigit(c) || c == '-'; }

void appendUtf8(std::string& out, std::uint32_t code) {
  if (code == 0 || code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF)) code = 0xFFFD;
  if (code < 0x80) {
    out += static_cast<char>(code);
  } else if (code < 0x800) {
    out += static_cast<char>(0xC0 | code >> 6);
    out += static_cast<char>(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    out += static_cast<char>(0xE0 | code >> 12);
    out += static_cast<char>(0x80 | (code >> 6 & 0x3F));
    out += static_cast<char>(0x80 | (code & 0x3F));
  } else {
    out += static_cast<char>(0xF0 | code >> 18);
    out += static_cast<char>(0x80 | (code >> 12 & 0x3F));
    out += static_cast<char>(0x80 | (code >> 6 & 0x3F));
    out += static_cast<char>(0x80 | (code & 0x3F));
  }
}

/// Reads one selector list. Every read… leaves `problem_` set where it fails.
class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Result<SelectorList> parse() {
    SelectorList list;
    if (text_.size() > kTextBytesMax) return bad("it is too long");
    for (;;) {
      ComplexSelector selector;
      if (!readComplex(selector)) return bad(problem_);
      list.selectors.push_back(std::move(selector));
      if (atEnd()) break;
      ++at_;  // The comma.
    }
    list.countsTypes = countsTypes_;
    return list;
  }

 private:
  std::unexpected<Error> bad(std::string_view why) const {
    return fail(ErrorCode::InvalidArgument, "the selector \"" + std::string(text_.substr(0, 200)) +
                                                "\" cannot be used: " + std::string(why) + ".");
  }
  bool problem(std::string_view why) {
    if (problem_.empty()) problem_ = why;
    return false;
  }
  bool atEnd() const { return at_ >= text_.size(); }
  char peek(std::size_t ahead = 0) const {
    return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0';
  }
  bool skipSpace() {
    const std::size_t before = at_;
    while (!atEnd() && isSpace(peek())) ++at_;
    return at_ > before;
  }
  bool take(char c) {
    if (atEnd() || peek() != c) return false;
    ++at_;
    return true;
  }

  bool readComplex(ComplexSelector& selector) {
    skipSpace();
    bool child = false;
    for (;;) {
      Compound compound;
      if (!readCompound(compound)) return false;
      selector.steps.push_back({std::move(compound), child});
      const bool spaced = skipSpace();
      if (atEnd() || peek() == ',') return true;
      if (peek() == '+' || peek() == '~') return problem("sibling combinators are not supported");
      child = take('>');
      skipSpace();
      if (!child && !spaced) return problem("there is an unexpected character");
      if (atEnd()) return problem("it ends in a combinator");
    }
  }

  bool readCompound(Compound& compound) {
    bool any = take('*');
    if (peek() == '|') return problem("namespaces are not supported");
    if (!any && (isNameStart(peek()) || peek() == '-' || peek() == '\\')) {
      Condition type{.kind = Condition::Kind::Type};
      if (!readIdentifier(type.name)) return false;
      if (peek() == '|') return problem("namespaces are not supported");
      type.name = toLowerAscii(type.name);
      compound.conditions.push_back(std::move(type));
      any = true;
    }
    while (!atEnd()) {
      const char c = peek();
      if (c != '.' && c != '#' && c != '[' && c != ':') break;
      ++at_;
      Condition condition;
      const bool good = c == '.'   ? readClass(condition)
                        : c == '#' ? readId(condition)
                        : c == '[' ? readAttribute(condition)
                                   : readPseudo(condition);
      if (!good) return false;
      compound.conditions.push_back(std::move(condition));
      any = true;
    }
    return any || problem(atEnd() ? "something is missing at its end"
                                  : "there is an unexpected character");
  }

  bool readIdentifier(std::string& out) {
    if (peek() == '-') {
      if (!isNameStart(peek(1)) && peek(1) != '-' && peek(1) != '\\') {
        return problem("a name is missing");
      }
    } else if (!isNameStart(peek()) && peek() != '\\') {
      return problem("a name is missing");
    }
    return readName(out);
  }

  bool readName(std::string& out) {
    while (!atEnd()) {
      if (isName(peek())) {
        out += text_[at_++];
      } else if (peek() == '\\') {
        if (!readEscape(out)) return false;
      } else {
        break;
      }
    }
    return !out.empty() || problem("a name is missing");
  }

  bool readEscape(std::string& out) {
    ++at_;
    if (atEnd() || peek() == '\n') return problem("an escape is incomplete");
    const auto hex = [](char c) { return std::isxdigit(static_cast<unsigned char>(c)) != 0; };
    if (!hex(peek())) {
      out += text_[at_++];
      return true;
    }
    std::uint32_t code = 0;
    for (int digits = 0; digits < 6 && hex(peek()); ++digits) {
      const char c = toLowerAscii(text_[at_++]);
      code = code * 16 + static_cast<std::uint32_t>(isDigit(c) ? c - '0' : c - 'a' + 10);
    }
    if (isSpace(peek())) ++at_;
    appendUtf8(out, code);
    return true;
  }

  bool readString(std::string& out) {
    const char quote = text_[at_++];
    while (!atEnd() && peek() != quote) {
      if (peek() == '\n') return problem("a string has no end");
      if (peek() == '\\' && peek(1) == '\n') {
        at_ += 2;
      } else if (peek() == '\\') {
        if (!readEscape(out)) return false;
      } else {
        out += text_[at_++];
      }
    }
    return take(quote) || problem("a string has no end");
  }

  bool readClass(Condition& condition) {
    condition.kind = Condition::Kind::Attribute;
    condition.name = "class";
    condition.how = Condition::How::Word;
    return readIdentifier(condition.value);
  }

  bool readId(Condition& condition) {
    condition.kind = Condition::Kind::Attribute;
    condition.name = "id";
    condition.how = Condition::How::Equals;
    return readName(condition.value);
  }

  bool readAttribute(Condition& condition) {
    using How = Condition::How;
    condition.kind = Condition::Kind::Attribute;
    skipSpace();
    if (!readIdentifier(condition.name)) return false;
    condition.name = toLowerAscii(condition.name);
    skipSpace();
    if (take(']')) return true;
    if (peek() == '|' && peek(1) != '=') return problem("namespaces are not supported");
    condition.how = How::Equals;
    if (peek() != '=') {
      switch (peek()) {
        case '~':
          condition.how = How::Word;
          break;
        case '|':
          condition.how = How::Dash;
          break;
        case '^':
          condition.how = How::Prefix;
          break;
        case '$':
          condition.how = How::Suffix;
          break;
        case '*':
          condition.how = How::Contains;
          break;
        default:
          return problem("an attribute's condition is malformed");
      }
      ++at_;
    }
    if (!take('=')) return problem("an attribute's condition is malformed");
    skipSpace();
    const bool quoted = peek() == '"' || peek() == '\'';
    if (!(quoted ? readString(condition.value) : readIdentifier(condition.value))) return false;
    skipSpace();
    if (peek() == 'i' || peek() == 'I') {
      condition.ignoreCase = true;
      ++at_;
    } else if (peek() == 's' || peek() == 'S') {
      ++at_;
    }
    skipSpace();
    return take(']') || problem("an attribute's condition is malformed");
  }

  bool readPseudo(Condition& condition) {
    using Kind = Condition::Kind;
    if (peek() == ':') return problem("pseudo-elements are not supported");
    std::string name;
    if (!readIdentifier(name)) return false;
    name = toLowerAscii(name);
    condition.nth = {.a = 0, .b = 1};
    if (name == "first-child" || name == "first-of-type") {
      condition.kind = name == "first-child" ? Kind::NthChild : Kind::NthOfType;
    } else if (name == "nth-child" || name == "nth-of-type") {
      condition.kind = name == "nth-child" ? Kind::NthChild : Kind::NthOfType;
      if (!take('(') || !readNth(condition.nth)) return problem("its nth is malformed");
    } else if (name == "not") {
      condition.kind = Kind::Not;
      if (!take('(') || !readNot(condition)) return problem("its :not() is malformed");
    } else {
      return problem("the pseudo-class :" + name + " is not supported");
    }
    countsTypes_ = countsTypes_ || condition.kind == Kind::NthOfType;
    return true;
  }

  bool readNot(Condition& condition) {
    if (++depth_ > kDepthMax) return problem("it is nested too deeply");
    do {
      skipSpace();
      Compound compound;
      if (!readCompound(compound)) return false;
      condition.none.push_back(std::move(compound));
      skipSpace();
    } while (take(','));
    --depth_;
    return take(')') || problem("combinators inside :not() are not supported");
  }

  bool readInteger(int& out, bool signRequired) {
    int sign = 1;
    if (peek() == '+' || peek() == '-') {
      sign = peek() == '-' ? -1 : 1;
      ++at_;
    } else if (signRequired) {
      return false;
    }
    if (!isDigit(peek())) return false;
    int value = 0;
    while (isDigit(peek())) {
      if (value > 10'000'000) return false;
      value = value * 10 + (text_[at_++] - '0');
    }
    out = sign * value;
    return true;
  }

  bool takeWord(std::string_view lower) {
    if (!equalsIgnoringCase(text_.substr(at_, lower.size()), lower)) return false;
    at_ += lower.size();
    return true;
  }

  /// an+b, "even" or "odd", and the closing parenthesis.
  bool readNth(Nth& nth) {
    skipSpace();
    nth = {.a = 0, .b = 0};
    if (takeWord("even")) {
      nth = {.a = 2, .b = 0};
    } else if (takeWord("odd")) {
      nth = {.a = 2, .b = 1};
    } else {
      const std::size_t begin = at_;
      int number = 0;
      const bool numbered = readInteger(number, false);
      if (!numbered) {
        at_ = begin;
        number = 1;
        if (peek() == '-') number = -1;
        if (peek() == '-' || peek() == '+') ++at_;
      }
      if (peek() == 'n' || peek() == 'N') {
        ++at_;
        nth.a = number;
        if (!readOffset(nth.b)) return false;
      } else if (numbered) {
        nth.b = number;
      } else {
        return false;
      }
    }
    skipSpace();
    return take(')');
  }

  bool readOffset(int& out) {
    skipSpace();
    if (peek() != '+' && peek() != '-') return true;
    const int sign = peek() == '-' ? -1 : 1;
    ++at_;
    skipSpace();
    int value = 0;
    if (!isDigit(peek()) || !readInteger(value, false)) return false;
    out = sign * value;
    return true;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  int depth_ = 0;
  bool countsTypes_ = false;
  std::string problem_;
};

bool sameText(std::string_view a, std::string_view b, bool ignoreCase) {
  return ignoreCase ? equalsIgnoringCase(a, b) : a == b;
}

bool hasWord(std::string_view value, std::string_view word, bool ignoreCase) {
  if (word.empty()) return false;
  for (std::size_t at = 0; at < value.size();) {
    while (at < value.size() && isSpace(value[at])) ++at;
    const std::size_t begin = at;
    while (at < value.size() && !isSpace(value[at])) ++at;
    if (at > begin && sameText(value.substr(begin, at - begin), word, ignoreCase)) return true;
  }
  return false;
}

bool holds(std::string_view value, const Condition& condition) {
  using How = Condition::How;
  const std::string_view wanted = condition.value;
  const auto sameAt = [&](std::size_t at) {
    return sameText(value.substr(at, wanted.size()), wanted, condition.ignoreCase);
  };
  switch (condition.how) {
    case How::Exists:
      return true;
    case How::Equals:
      return sameText(value, wanted, condition.ignoreCase);
    case How::Word:
      return hasWord(value, wanted, condition.ignoreCase);
    case How::Dash:
      return sameAt(0) && value.size() >= wanted.size() &&
             (value.size() == wanted.size() || value[wanted.size()] == '-');
    case How::Prefix:
      return !wanted.empty() && value.size() >= wanted.size() && sameAt(0);
    case How::Suffix:
      return !wanted.empty() && value.size() >= wanted.size() &&
             sameAt(value.size() - wanted.size());
    case How::Contains:
      if (wanted.empty()) return false;
      if (!condition.ignoreCase) return value.contains(wanted);
      for (std::size_t at = 0; at + wanted.size() <= value.size(); ++at) {
        if (sameAt(at)) return true;
      }
      return false;
  }
  return false;
}

}  // namespace

bool Nth::contains(std::uint32_t index) const {
  const auto distance = static_cast<std::int64_t>(index) - b;
  if (a == 0) return distance == 0;
  return distance % a == 0 && distance / a >= 0;
}

std::optional<std::string_view> findAttribute(const Token& tag, std::string_view lowerName) {
  for (const Attribute& attribute : tag.attributes) {
    const std::string_view name =
        tag.raw.substr(attribute.begin, attribute.nameEnd - attribute.begin);
    if (equalsIgnoringCase(name, lowerName)) {
      return tag.raw.substr(attribute.valueBegin, attribute.valueEnd - attribute.valueBegin);
    }
  }
  return std::nullopt;
}

bool Compound::matches(const Token& tag, Position position) const {
  return std::ranges::all_of(conditions, [&](const Condition& condition) {
    switch (condition.kind) {
      case Condition::Kind::Type:
        return tag.name == condition.name;
      case Condition::Kind::Attribute: {
        const auto value = findAttribute(tag, condition.name);
        return value && holds(*value, condition);
      }
      case Condition::Kind::NthChild:
        return condition.nth.contains(position.ofAll);
      case Condition::Kind::NthOfType:
        return condition.nth.contains(position.ofType);
      case Condition::Kind::Not:
        return std::ranges::none_of(
            condition.none, [&](const Compound& one) { return one.matches(tag, position); });
    }
    return false;
  });
}

Result<SelectorList> parseSelector(std::string_view text) { return Parser(text).parse(); }

}  // namespace atolld::html
