#include "deploy/mapped_stack.h"

#include <algorithm>
#include <charconv>
#include <format>

namespace atolld::deploy {
namespace {

constexpr std::uint32_t kLinesAround = 3;
constexpr std::size_t kLineBytesMax = 200;

struct Found {
  const StackModule* module = nullptr;
  std::size_t begin = 0, end = 0;  ///< In the stack.
  std::uint32_t line = 0, column = 0;
};

/// ":<number>" off the front of `text`.
std::optional<std::uint32_t> takeNumber(std::string_view& text) {
  if (!text.starts_with(':')) return std::nullopt;
  std::uint32_t number = 0;
  const auto [end, error] = std::from_chars(text.data() + 1, text.data() + text.size(), number);
  if (error != std::errc()) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return number;
}

bool isBoundary(char c) { return c == ' ' || c == '(' || c == '\n' || c == '\t'; }

/// The place that begins at `begin`, if one does.
std::optional<Found> placeAt(std::string_view stack, std::size_t begin,
                             std::span<const StackModule> modules) {
  for (const StackModule& module : modules) {
    std::string_view rest = stack.substr(begin);
    if (!rest.starts_with(module.name)) continue;
    rest.remove_prefix(module.name.size());
    const auto line = takeNumber(rest);
    if (!line) continue;
    const auto column = takeNumber(rest);
    if (column) return Found{&module, begin, stack.size() - rest.size(), *line, *column};
  }
  return std::nullopt;
}

/// Lines around line `line` of `text`; a long one is cut.
std::vector<std::pair<std::uint32_t, std::string>> linesAround(std::string_view text,
                                                               std::uint32_t line) {
  std::vector<std::pair<std::uint32_t, std::string>> lines;
  for (std::uint32_t number = 1; !text.empty() && number <= line + kLinesAround; ++number) {
    std::string_view each = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(each.size() + 1, text.size()));
    if (number + kLinesAround < line) continue;
    if (each.ends_with('\r')) each.remove_suffix(1);
    lines.emplace_back(number, each.substr(0, kLineBytesMax));
  }
  return lines;
}

}  // namespace

MappedStack mapStack(std::string_view stack, std::span<const StackModule> modules) {
  MappedStack mapped;
  std::size_t done = 0;
  for (std::size_t at = 0; at < stack.size(); ++at) {
    if (at > 0 && !isBoundary(stack[at - 1])) continue;
    const std::optional<Found> found = placeAt(stack, at, modules);
    if (!found) continue;
    SourceMap::Place place{found->module->name, found->line, found->column};
    std::optional<std::string_view> text = found->module->text;
    if (const SourceMap* const map = found->module->map) {
      if (const auto origin = map->find(found->line, found->column)) {
        place = *origin;
        text = map->textOf(place);
      }
    }
    mapped.text += stack.substr(done, found->begin - done);
    mapped.text += std::format("{}:{}:{}", place.source, place.line, place.column);
    done = found->end;
    at = done - 1;
    if (mapped.excerpt) continue;
    mapped.excerpt = {.source = std::string(place.source),
                      .line = place.line,
                      .column = place.column,
                      .lines = linesAround(text.value_or(""), place.line)};
  }
  mapped.text += stack.substr(done);
  return mapped;
}

}  // namespace atolld::deploy
