#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <utility>

namespace atolld {

/// What kind of wrong the world did. Each border maps a code to its own terms: an HTTP status, a
/// CLI exit code, a JS exception class.
enum class ErrorCode {
  InvalidArgument,  ///< The caller's input is malformed or out of range.
  NotFound,         ///< What was named does not exist.
  AlreadyExists,    ///< What was to be made is there, or a precondition on state failed.
  Unauthorized,     ///< No or unknown credentials.
  Forbidden,        ///< Known credentials that do not allow this.
  Protocol,         ///< The peer broke a wire protocol.
  TooLarge,         ///< A documented limit was exceeded.
  Overloaded,       ///< No capacity now; the same call may work later.
  Unavailable,      ///< A peer or resource cannot be reached now.
  Timeout,          ///< A deadline passed.
  Aborted,          ///< The other side gave up.
  Corrupt,          ///< Stored or received data fails its own checks.
  Script,           ///< The tenant's code is at fault (syntax error, exception, broken limit).
  Io,               ///< The operating system refused.
  Internal,         ///< A bug of ours that is survivable.
};

/// A stable lower_snake name for logs and JSON ("invalid_argument").
constexpr std::string_view errorCodeName(ErrorCode code) {
  switch (code) {
    case ErrorCode::InvalidArgument:
      return "invalid_argument";
    case ErrorCode::NotFound:
      return "not_found";
    case ErrorCode::AlreadyExists:
      return "already_exists";
    case ErrorCode::Unauthorized:
      return "unauthorized";
    case ErrorCode::Forbidden:
      return "forbidden";
    case ErrorCode::Protocol:
      return "protocol";
    case ErrorCode::TooLarge:
      return "too_large";
    case ErrorCode::Overloaded:
      return "overloaded";
    case ErrorCode::Unavailable:
      return "unavailable";
    case ErrorCode::Timeout:
      return "timeout";
    case ErrorCode::Aborted:
      return "aborted";
    case ErrorCode::Corrupt:
      return "corrupt";
    case ErrorCode::Script:
      return "script";
    case ErrorCode::Io:
      return "io";
    case ErrorCode::Internal:
      return "internal";
  }
  return "internal";
}

/// Why something could not be done. `detail` is a sentence for a person: the thing, the place and
/// the mend; never a secret.
struct Error {
  ErrorCode code = ErrorCode::Internal;
  std::string detail;
};

/// A value or an Error; nobody can drop it unread.
template <class T = void>
class [[nodiscard]] Result : public std::expected<T, Error> {
 public:
  using std::expected<T, Error>::expected;
};

/// `return fail(ErrorCode::NotFound, "no such script");` in any function that returns a Result.
inline std::unexpected<Error> fail(ErrorCode code, std::string detail) {
  return std::unexpected<Error>(std::in_place, Error{code, std::move(detail)});
}

/// The same error with a place put in front: "manifest: names no entrypoint".
inline std::unexpected<Error> fail(Error error, std::string_view context) {
  return fail(error.code, std::string(context) + ": " + error.detail);
}

}  // namespace atolld

#define ATOLL_CONCAT_INNER(a, b) a##b
#define ATOLL_CONCAT(a, b) ATOLL_CONCAT_INNER(a, b)

/// ATOLL_TRY(const T value, expression): declares value, or returns the expression's error.
#define ATOLL_TRY(declaration, ...)                                            \
  auto ATOLL_CONCAT(tried_, __LINE__) = (__VA_ARGS__);                         \
  if (!ATOLL_CONCAT(tried_, __LINE__).has_value()) {                           \
    return std::unexpected(std::move(ATOLL_CONCAT(tried_, __LINE__)).error()); \
  }                                                                            \
  declaration = *std::move(ATOLL_CONCAT(tried_, __LINE__))

/// For a Result<> whose value is nothing: returns the error, if there is one.
#define ATOLL_TRY_VOID(...)                               \
  do {                                                    \
    if (auto tried = (__VA_ARGS__); !tried.has_value()) { \
      return std::unexpected(std::move(tried).error());   \
    }                                                     \
  } while (false)
