#include "deploy/source_map.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <utility>

namespace atolld::deploy {
namespace {

using Json = nlohmann::json;

constexpr std::string_view kBase64 =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

constexpr std::array<std::int8_t, 256> kDigits = [] {
  std::array<std::int8_t, 256> digits{};
  digits.fill(-1);
  for (std::size_t i = 0; i < kBase64.size(); ++i) {
    digits[static_cast<unsigned char>(kBase64[i])] = static_cast<std::int8_t>(i);
  }
  return digits;
}();

/// One base64 VLQ number off the front of `text`. https://tc39.es/ecma426/#sec-base64-vlq
std::optional<std::int64_t> takeVlq(std::string_view& text) {
  constexpr int kShiftMax = 30;
  std::uint64_t value = 0;
  for (int shift = 0; shift <= kShiftMax && !text.empty(); shift += 5) {
    const int digit = kDigits[static_cast<unsigned char>(text.front())];
    if (digit < 0) return std::nullopt;
    text.remove_prefix(1);
    value |= static_cast<std::uint64_t>(digit & 31) << shift;
    if ((digit & 32) != 0) continue;
    const auto magnitude = static_cast<std::int64_t>(value >> 1);
    return (value & 1) != 0 ? -magnitude : magnitude;
  }
  return std::nullopt;
}

/// Adds the next number to `sum`; false if there is none or the sum leaves 32 bits.
bool advance(std::string_view& text, std::uint32_t& sum) {
  const std::optional<std::int64_t> delta = takeVlq(text);
  if (!delta) return false;
  const std::int64_t next = static_cast<std::int64_t>(sum) + *delta;
  if (next < 0 || next >= INT32_MAX) return false;
  sum = static_cast<std::uint32_t>(next);
  return true;
}

bool isSegmentEnd(std::string_view text) {
  return text.empty() || text.front() == ',' || text.front() == ';';
}

/// Bundlers name files as seen from their output: what leads there is of no interest.
std::string tidyPath(std::string_view root, std::string_view path) {
  std::string whole(root);
  if (!whole.empty() && !whole.ends_with('/')) whole += '/';
  whole += path;
  std::string_view rest = whole;
  while (rest.starts_with("./") || rest.starts_with("../")) {
    rest.remove_prefix(rest.find('/') + 1);
  }
  return std::string(rest);
}

std::unexpected<Error> broken(std::string_view what) {
  return fail(ErrorCode::InvalidArgument, "no source map: " + std::string(what));
}

}  // namespace

Result<SourceMap> SourceMap::parse(std::string_view json) {
  Json root = Json::parse(json, nullptr, /*allow_exceptions=*/false);
  if (!root.is_object()) return broken("it is no JSON object");
  if (root.contains("sections")) return broken("maps in sections are not supported");
  const auto version = root.find("version");
  if (version == root.end() || *version != 3) return broken("its version is not 3");
  const auto sources = root.find("sources");
  const auto mappings = root.find("mappings");
  if (sources == root.end() || !sources->is_array() || mappings == root.end() ||
      !mappings->is_string()) {
    return broken("it has no \"sources\" and \"mappings\"");
  }
  const auto rootPath = root.find("sourceRoot");
  const std::string prefix = rootPath != root.end() && rootPath->is_string()
                                 ? rootPath->get<std::string>()
                                 : std::string();
  SourceMap map;
  for (const Json& source : *sources) {
    map.sources_.push_back(
        source.is_string() ? tidyPath(prefix, source.get_ref<const std::string&>()) : "unknown");
  }
  if (const auto texts = root.find("sourcesContent"); texts != root.end() && texts->is_array()) {
    for (Json& text : *texts) {
      map.texts_.push_back(text.is_string() ? std::move(text.get_ref<std::string&>()) : "");
    }
    map.texts_.resize(map.sources_.size());
  }
  ATOLL_TRY_VOID(map.decodeMappings(mappings->get_ref<const std::string&>()));
  return map;
}

Result<> SourceMap::decodeMappings(std::string_view mappings) {
  std::uint32_t source = 0;
  std::uint32_t line = 0;
  std::uint32_t column = 0;
  std::uint32_t name = 0;
  while (true) {
    const std::size_t begin = segments_.size();
    std::uint32_t generated = 0;
    while (!mappings.empty() && mappings.front() != ';') {
      if (mappings.front() == ',') {
        mappings.remove_prefix(1);
        continue;
      }
      if (!advance(mappings, generated)) return broken("a mapping is damaged");
      Segment segment{.column = generated, .source = kNoSource};
      if (!isSegmentEnd(mappings)) {
        if (!advance(mappings, source) || !advance(mappings, line) || !advance(mappings, column)) {
          return broken("a mapping is damaged");
        }
        if (source >= sources_.size()) return broken("a mapping names no source");
        segment = {generated, source, line, column};
        if (!isSegmentEnd(mappings) && !advance(mappings, name)) {
          return broken("a mapping is damaged");
        }
        if (!isSegmentEnd(mappings)) return broken("a mapping has too many fields");
      }
      segments_.push_back(segment);
    }
    std::ranges::stable_sort(segments_.begin() + static_cast<std::ptrdiff_t>(begin),
                             segments_.end(), {}, &Segment::column);
    lines_.push_back(segments_.size());
    if (mappings.empty()) return {};
    mappings.remove_prefix(1);
  }
}

std::optional<SourceMap::Place> SourceMap::find(std::uint32_t line, std::uint32_t column) const {
  if (line == 0 || column == 0 || line > lines_.size()) return std::nullopt;
  const auto begin =
      segments_.begin() + (line == 1 ? 0 : static_cast<std::ptrdiff_t>(lines_[line - 2]));
  const auto end = segments_.begin() + static_cast<std::ptrdiff_t>(lines_[line - 1]);
  // The last one that begins at the column or before it.
  const auto after = std::ranges::upper_bound(begin, end, column - 1, {}, &Segment::column);
  if (after == begin) return std::nullopt;
  const Segment& segment = *(after - 1);
  if (segment.source == kNoSource) return std::nullopt;
  return Place{sources_[segment.source], segment.sourceLine + 1, segment.sourceColumn + 1};
}

std::optional<std::string_view> SourceMap::textOf(const Place& place) const {
  const auto found = std::ranges::find(sources_, place.source);
  const auto index = static_cast<std::size_t>(found - sources_.begin());
  if (index >= texts_.size() || texts_[index].empty()) return std::nullopt;
  return texts_[index];
}

std::size_t SourceMap::sizeBytes() const noexcept {
  std::size_t bytes = segments_.capacity() * sizeof(Segment) + lines_.capacity() * sizeof(size_t);
  for (const std::string& text : texts_) bytes += text.size();
  for (const std::string& source : sources_) bytes += source.size();
  return bytes;
}

}  // namespace atolld::deploy
