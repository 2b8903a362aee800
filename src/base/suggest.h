#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace atolld {

/// The candidate that a person most likely meant by `word`: the nearest by single-character edits
/// and swaps, if near enough to be worth saying. Ties go to the earlier candidate.
std::optional<std::string_view> closestTo(std::string_view word,
                                          std::span<const std::string_view> candidates);

/// `: did you mean "x"?` for the end of an error, or nothing.
std::string didYouMean(std::string_view word, std::span<const std::string_view> candidates);

}  // namespace atolld
