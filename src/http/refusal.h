#pragma once

#include <string_view>

namespace atolld::http {

/// An answer that a codec gives by itself, because no handler may see the request.
struct Refusal {
  int status = 400;
  std::string_view problem;  ///< A static sentence for the client's developer; no full stop.
};

/// The value of the `atoll-error` field of such an answer: "bad_request" for 400.
constexpr std::string_view refusalName(int status) {
  switch (status) {
    case 408:
      return "request_timeout";
    case 413:
      return "body_too_large";
    case 414:
      return "uri_too_long";
    case 417:
      return "expectation_failed";
    case 426:
      return "upgrade_required";
    case 431:
      return "headers_too_large";
    case 501:
      return "not_implemented";
    case 505:
      return "version_not_supported";
    case 500:
      return "internal";
    default:
      return "bad_request";
  }
}

}  // namespace atolld::http
