#include "dispatch/answers.h"

#include <random>

#include "base/encoding.h"

namespace atolld::dispatch {

std::string makeRay() {
  // Unique enough to find a line in a log; not a secret.
  thread_local std::mt19937_64 generator{std::random_device{}()};
  const std::uint64_t value = generator();
  std::string raw(8, '\0');
  for (int i = 0; i < 8; ++i)
    raw[static_cast<std::size_t>(i)] = static_cast<char>(value >> (8 * i));
  return toHex(raw);
}

void answerRefusal(http::Exchange& exchange, Refusal refusal, std::string_view ray,
                   std::string_view detail) {
  const gateway::RefusalInfo& info = gateway::refusalInfo(refusal);
  http::ResponseHead head;
  head.status = info.status;
  head.headers.add("content-type", "text/plain; charset=utf-8");
  head.headers.add("atoll-error", info.code);
  head.headers.add("atoll-ray", ray);
  if (info.retryable) head.headers.add("retry-after", "1");
  std::string text(detail.empty() ? info.text : detail);
  text += "\n(";
  text += info.code;
  text += ", ray ";
  text += ray;
  text += ")\n";
  exchange.respond(head, Bytes(std::move(text)));
}

Refusal refusalOf(const Error& error) {
  switch (error.code) {
    case ErrorCode::Overloaded:
      return Refusal::OverCapacity;
    case ErrorCode::Forbidden:
      return Refusal::Quarantined;
    case ErrorCode::Timeout:
      return Refusal::CpuLimit;
    case ErrorCode::TooLarge:
      return Refusal::MemoryLimit;
    case ErrorCode::Script:
      return Refusal::ScriptLoadFailed;
    default:
      return Refusal::Internal;
  }
}

}  // namespace atolld::dispatch
