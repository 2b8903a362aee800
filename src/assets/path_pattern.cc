#include "assets/path_pattern.h"

#include <algorithm>

namespace atolld::assets {
namespace {

bool isNameCharacter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/// The name behind a colon that `text` begins with; empty where there is none. It begins with a
/// letter: ":8080" is a port.
std::string_view placeholderAt(std::string_view text) {
  if (text.size() < 2 || text.front() != ':') return {};
  text.remove_prefix(1);
  if (!isNameCharacter(text.front()) || (text.front() >= '0' && text.front() <= '9')) return {};
  std::size_t end = 0;
  while (end < text.size() && isNameCharacter(text[end])) ++end;
  return text.substr(0, end);
}

// A part of a pattern without a star, from the beginning of `text`: how much it takes, or npos.
std::size_t takePart(std::string_view part, std::string_view text, Captures* captures,
                     std::string_view separators) {
  std::size_t taken = 0;
  while (!part.empty()) {
    const std::string_view name = placeholderAt(part);
    if (name.empty()) {
      if (taken >= text.size() || text[taken] != part.front()) return text.npos;
      ++taken;
      part.remove_prefix(1);
      continue;
    }
    part.remove_prefix(1 + name.size());
    const std::size_t end = std::min(text.find_first_of(separators, taken), text.size());
    if (end == taken) return text.npos;
    if (captures) (*captures)[std::string(name)] = text.substr(taken, end - taken);
    taken = end;
  }
  return taken;
}

}  // namespace

Result<> checkPattern(std::string_view pattern) {
  if (std::ranges::count(pattern, '*') > 1) {
    return fail(ErrorCode::InvalidArgument, "one \"*\" is allowed");
  }
  for (std::size_t at = std::min(pattern.find('*'), pattern.size()); at < pattern.size(); ++at) {
    if (placeholderAt(pattern.substr(at)).empty()) continue;
    return fail(ErrorCode::InvalidArgument, "a \":name\" cannot stand behind the \"*\"");
  }
  return {};
}

bool matchesPattern(std::string_view pattern, std::string_view text, Captures* captures,
                    std::string_view separators) {
  const std::size_t star = pattern.find('*');
  if (star == pattern.npos) return takePart(pattern, text, captures, separators) == text.size();
  const std::size_t begin = takePart(pattern.substr(0, star), text, captures, separators);
  if (begin == text.npos) return false;
  const std::string_view end = pattern.substr(star + 1);
  std::string_view rest = text.substr(begin);
  if (!rest.ends_with(end)) return false;
  rest.remove_suffix(end.size());
  if (captures) (*captures)["splat"] = rest;
  return true;
}

std::string fillIn(std::string_view text, const Captures& captures) {
  std::string out;
  while (!text.empty()) {
    const std::string_view name = placeholderAt(text);
    const auto found = name.empty() ? captures.end() : captures.find(name);
    if (found == captures.end()) {
      out += text.front();
      text.remove_prefix(1);
    } else {
      out += found->second;
      text.remove_prefix(1 + name.size());
    }
  }
  return out;
}

}  // namespace atolld::assets
