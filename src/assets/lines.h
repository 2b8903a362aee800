#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

/// What the readers of _headers and _redirects take a text apart with.
namespace atolld::assets {

constexpr std::string_view kBlanks = " \t\r";

constexpr std::string_view trimmed(std::string_view text) {
  const std::size_t begin = std::min(text.find_first_not_of(kBlanks), text.size());
  text.remove_prefix(begin);
  return text.substr(0, text.find_last_not_of(kBlanks) + 1);
}

/// The next line without its end; nothing after the last.
constexpr std::optional<std::string_view> takeLine(std::string_view& text) {
  if (text.empty()) return std::nullopt;
  const std::string_view line = text.substr(0, text.find('\n'));
  text.remove_prefix(std::min(line.size() + 1, text.size()));
  return line;
}

/// The next word; empty after the last.
constexpr std::string_view takeWord(std::string_view& text) {
  text = trimmed(text);
  const std::string_view word = text.substr(0, text.find_first_of(kBlanks));
  text.remove_prefix(word.size());
  return word;
}

/// Gives every line that says something, trimmed, to `take`, which returns a Result<>.
/// @error InvalidArgument  `file`, the line's number, and what is wrong with it
template <class Take>
Result<> forEachRule(std::string_view file, std::string_view text, std::size_t lineBytesMax,
                     Take take) {
  std::size_t number = 0;
  while (const auto line = takeLine(text)) {
    ++number;
    const std::string_view content = trimmed(*line);
    if (content.empty() || content.front() == '#') continue;
    const Result<> taken = content.size() <= lineBytesMax
                               ? take(content)
                               : fail(ErrorCode::InvalidArgument,
                                      "is longer than " + std::to_string(lineBytesMax) + " bytes");
    if (taken) continue;
    return fail(ErrorCode::InvalidArgument, std::string(file) + ", line " + std::to_string(number) +
                                                ": " + taken.error().detail);
  }
  return {};
}

}  // namespace atolld::assets
