#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace atolld::deploy {

/// Places in a module that a bundler made -> places in what it was made from. Immutable: any
/// thread. ECMA-426, without indexed maps ("sections") and scopes.
class SourceMap {
 public:
  /// Lines and columns count from 1.
  struct Place {
    std::string_view source;  ///< "src/index.ts": a path without leading "../". Borrowed.
    std::uint32_t line = 0;
    std::uint32_t column = 0;
  };

  /// Input is untrusted. @error InvalidArgument says what is wrong.
  static Result<SourceMap> parse(std::string_view json);

  /// Where the code at that place of the module comes from; nothing: from nowhere that is known.
  std::optional<Place> find(std::uint32_t line, std::uint32_t column) const;
  /// The whole text that a place is in, if the map brings it. Borrowed.
  std::optional<std::string_view> textOf(const Place& place) const;
  std::size_t sizeBytes() const noexcept;

 private:
  /// Counts from 0, as the format does.
  struct Segment {
    std::uint32_t column = 0;
    std::uint32_t source = 0;  ///< kNoSource: of the bundler's own making.
    std::uint32_t sourceLine = 0;
    std::uint32_t sourceColumn = 0;
  };
  static constexpr std::uint32_t kNoSource = UINT32_MAX;

  Result<> decodeMappings(std::string_view mappings);

  std::vector<std::string> sources_;
  std::vector<std::string> texts_;  ///< Empty, or one for each source.
  std::vector<Segment> segments_;   ///< By line, then by column.
  std::vector<std::size_t> lines_;  ///< Where each line's segments end.
};

}  // namespace atolld::deploy
