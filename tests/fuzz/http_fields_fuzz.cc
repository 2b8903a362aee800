// The parsers of single fields: what they accept is what their grammar says, and stays so.

#include <algorithm>
#include <string>

#include "base/check.h"
#include "base/encoding.h"
#include "fuzz.h"
#include "http/field_rules.h"
#include "http/header_list.h"
#include "http/target.h"

namespace {

using namespace atolld;
using namespace atolld::http;

void checkAuthority(std::string_view text) {
  const Result<std::string> parsed = parseAuthority(text);
  if (!parsed) return;
  ATOLL_CHECK(equalsIgnoringCase(*parsed, text));
  ATOLL_CHECK(parseAuthority(*parsed).value() == *parsed);
  ATOLL_CHECK(parsed->find_first_of(" \t\r\n/@?#\\%,;") == std::string::npos);
  ATOLL_CHECK(sameAuthority(*parsed, *parsed, false));
}

void checkTarget(std::string_view text) {
  const Result<AbsoluteTarget> split = splitAbsoluteForm(text);
  ATOLL_CHECK(!isOriginForm(text) || !split);
  if (split) {
    ATOLL_CHECK(text.ends_with(split->pathAndQuery));
    ATOLL_CHECK(split->authority.find_first_of("/?#") == std::string_view::npos);
  }
}

void checkContentLength(std::string_view text) {
  const Result<std::uint64_t> length = parseContentLength(text);
  if (!length) return;
  std::string_view digits = text;
  while (digits.size() > 1 && digits.front() == '0') digits.remove_prefix(1);
  ATOLL_CHECK(std::to_string(*length) == digits);
}

void checkLists(std::string_view text) {
  std::string_view list = text;
  std::size_t total = 0;
  for (std::string_view element = nextListElement(list); !element.empty();
       element = nextListElement(list)) {
    ATOLL_CHECK(!element.contains(',') && trimBlanks(element) == element);
    total += element.size();
  }
  ATOLL_CHECK(total <= text.size());
}

/// Against the obvious implementation.
void checkHeaderList(std::string_view text) {
  HeaderList headers;
  std::vector<std::pair<std::string, std::string>> expected;
  while (text.size() >= 3) {
    const auto operation = static_cast<std::uint8_t>(text[0]);
    const std::string name = toLowerAscii(text.substr(1, 1));
    const std::string value(text.substr(2, operation % 5));
    text.remove_prefix(3);
    const auto named = [&](const auto& field) { return field.first == name; };
    switch (operation % 3) {
      case 0:
        headers.add(name, value);
        expected.emplace_back(name, value);
        break;
      case 1: {
        headers.set(name, value);
        const auto first = std::ranges::find_if(expected, named);
        const auto index = first - expected.begin();
        const bool found = first != expected.end();
        std::erase_if(expected, named);
        expected.emplace(found ? expected.begin() + index : expected.end(), name, value);
        break;
      }
      default:
        ATOLL_CHECK(headers.remove(name) == (std::erase_if(expected, named) > 0));
        break;
    }
  }
  ATOLL_CHECK(headers.size() == expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    ATOLL_CHECK(headers[i].name == expected[i].first && headers[i].value == expected[i].second);
  }
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = fuzz::asText(data, size);
  checkAuthority(text);
  checkTarget(text);
  checkContentLength(text);
  checkLists(text);
  checkHeaderList(text);
  ATOLL_CHECK(!isLowerToken(text) || isToken(text));
  ATOLL_CHECK(!isToken(text) || isFieldValue(text));
  return 0;
}
