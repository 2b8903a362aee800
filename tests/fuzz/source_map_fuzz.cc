#include <array>

#include "base/check.h"
#include "deploy/mapped_stack.h"
#include "fuzz.h"

using namespace atolld;

/// A source map, a NUL, a stack: what is taken for a map leads nowhere outside of itself, and a
/// stack without the module's name stays as it is.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input = fuzz::asText(data, size);
  const std::string_view json = input.substr(0, input.find('\0'));
  const std::string_view stack = input.substr(std::min(json.size() + 1, input.size()));
  const auto map = deploy::SourceMap::parse(json);
  if (!map) return 0;
  for (std::uint32_t line = 0; line < 8; ++line) {
    for (const std::uint32_t column : {0u, 1u, 7u, UINT32_MAX}) {
      const auto place = map->find(line, column);
      if (!place) continue;
      ATOLL_CHECK(place->line > 0 && place->column > 0 && line > 0 && column > 0);
      (void)map->textOf(*place);
    }
  }
  const std::array modules = {deploy::StackModule{"m.js", "a\nb\n", &*map}};
  const deploy::MappedStack mapped = deploy::mapStack(stack, modules);
  if (!stack.contains("m.js")) ATOLL_CHECK(mapped.text == stack && !mapped.excerpt);
  return 0;
}
