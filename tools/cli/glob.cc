#include <algorithm>

#include "project.h"

namespace atolld::cli {
namespace {

// Without braces. Backtracks over '*' only, and a pattern is the project's own.
bool matchesPlain(std::string_view glob, std::string_view path) {
  while (!glob.empty()) {
    if (glob.starts_with("**/")) {
      glob.remove_prefix(3);
      for (;;) {
        if (matchesPlain(glob, path)) return true;
        const std::size_t slash = path.find('/');
        if (slash == std::string_view::npos) return false;
        path.remove_prefix(slash + 1);
      }
    }
    if (glob == "**") return true;
    if (glob.front() == '*') {
      glob.remove_prefix(1);
      const std::size_t end = std::min(path.find('/'), path.size());
      for (std::size_t taken = 0; taken <= end; ++taken) {
        if (matchesPlain(glob, path.substr(taken))) return true;
      }
      return false;
    }
    if (path.empty() ||
        (glob.front() == '?' ? path.front() == '/' : glob.front() != path.front())) {
      return false;
    }
    glob.remove_prefix(1);
    path.remove_prefix(1);
  }
  return path.empty();
}

}  // namespace

bool matchesGlob(std::string_view glob, std::string_view path) {
  // A query is the importer's ("*.wasm?module"), never part of a file's name.
  if (const auto query = glob.find("?module"); query != std::string_view::npos) {
    glob = glob.substr(0, query);
  }
  while (glob.starts_with("./")) glob.remove_prefix(2);
  const std::size_t open = glob.find('{');
  const std::size_t close = open == std::string_view::npos ? open : glob.find('}', open);
  if (close == std::string_view::npos) return matchesPlain(glob, path);
  std::string_view choices = glob.substr(open + 1, close - open - 1);
  for (;;) {
    const std::size_t comma = std::min(choices.find(','), choices.size());
    const std::string one = std::string(glob.substr(0, open)) +
                            std::string(choices.substr(0, comma)) +
                            std::string(glob.substr(close + 1));
    if (matchesGlob(one, path)) return true;
    if (comma == choices.size()) return false;
    choices.remove_prefix(comma + 1);
  }
}

}  // namespace atolld::cli
