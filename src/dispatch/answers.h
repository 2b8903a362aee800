#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "gateway/refusal.h"
#include "http/handler.h"

namespace atolld::dispatch {

using gateway::Refusal;

/// A new request id: 16 hex digits, for `atoll-ray` and the log.
std::string makeRay();

/// Answers the whole exchange as src/gateway/README.md says for `refusal`; `detail`, if any,
/// instead of the text that is the same for all.
void answerRefusal(http::Exchange& exchange, Refusal refusal, std::string_view ray,
                   std::string_view detail = {});

/// Which answer an isolate's or scheduler's error deserves.
Refusal refusalOf(const Error& error);

}  // namespace atolld::dispatch
