#pragma once

#include <source_location>
#include <string_view>

namespace atolld {

/// Ends the process with the place and the text on stderr. For our own mistakes, never for input.
[[noreturn]] void checkFailed(
    std::string_view what, std::source_location where = std::source_location::current()) noexcept;

}  // namespace atolld

/// An invariant of ours, checked in every build. Untrusted input must never reach it: that is what
/// Result is for.
#define ATOLL_CHECK(condition) \
  (static_cast<bool>(condition) ? void(0) : ::atolld::checkFailed("CHECK(" #condition ") failed"))
