#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "deploy/source_map.h"

namespace atolld::deploy {

/// A module that a stack may name. All borrowed.
struct StackModule {
  std::string_view name;
  std::string_view text;           ///< Empty: not at hand.
  const SourceMap* map = nullptr;  ///< Null: it was not made from anything.
};

struct MappedStack {
  std::string text;  ///< The stack with the places that people wrote.
  /// The first place in it that is known, with the lines around it.
  struct Excerpt {
    std::string source;
    std::uint32_t line = 0;
    std::uint32_t column = 0;
    std::vector<std::pair<std::uint32_t, std::string>> lines;  ///< Number and text.
  };
  std::optional<Excerpt> excerpt;
};

/// Rewrites each "<module>:<line>:<column>" of V8's in `stack` that a map knows. Any thread.
MappedStack mapStack(std::string_view stack, std::span<const StackModule> modules);

}  // namespace atolld::deploy
