#include "control/call.h"

#include <nlohmann/json.hpp>
#include <string>

namespace atolld::control {

int statusOf(ErrorCode code) {
  switch (code) {
    case ErrorCode::InvalidArgument:
      return 400;
    case ErrorCode::NotFound:
      return 404;
    case ErrorCode::AlreadyExists:
      return 409;
    case ErrorCode::Unauthorized:
      return 401;
    case ErrorCode::Forbidden:
      return 403;
    case ErrorCode::Protocol:
      return 400;
    case ErrorCode::TooLarge:
      return 413;
    case ErrorCode::Overloaded:
      return 503;
    case ErrorCode::Unavailable:
      return 503;
    case ErrorCode::Timeout:
      return 504;
    case ErrorCode::Aborted:
      return 409;
    case ErrorCode::Script:
      return 422;
    case ErrorCode::Corrupt:
    case ErrorCode::Io:
    case ErrorCode::Internal:
      return 500;
  }
  return 500;
}

Answer answerJson(const Json& value, int status) {
  return {.status = status,
          .body = Bytes(writeJson(value) + "\n"),
          .contentType = "application/json",
          .headers = {}};
}

Answer answerNothing() { return {.status = 204, .body = {}, .contentType = "", .headers = {}}; }

Answer answerError(const Error& error) {
  const int status = statusOf(error.code);
  const std::string message =
      status == 500 ? "the node could not do it; its log says why under this request's atoll-ray"
                    : error.detail;
  Answer answer =
      answerJson({{"error", {{"code", errorCodeName(error.code)}, {"message", message}}}}, status);
  if (status == 401) answer.headers.emplace_back("www-authenticate", "Bearer realm=\"atoll\"");
  if (status == 503) answer.headers.emplace_back("retry-after", "1");
  return answer;
}

Answer answerRateLimited(std::chrono::nanoseconds wait) {
  const std::string seconds = std::to_string(std::chrono::ceil<std::chrono::seconds>(wait).count());
  const std::string message = "too many calls: try again in " + seconds + " s";
  Answer answer = answerJson({{"error", {{"code", "rate_limited"}, {"message", message}}}}, 429);
  answer.headers.emplace_back("retry-after", seconds);
  return answer;
}

}  // namespace atolld::control
