#pragma once

#include <string_view>

#include "base/result.h"
#include "http/message.h"
#include "isolate/host.h"

namespace atolld::dispatch {

/// Whether a request is to fire the `scheduled` handler of the script on its hostname:
/// GET /cdn-cgi/handler/scheduled?cron=…&time=…, as wrangler dev and workerd offer it. From this
/// machine only, and not through a proxy, which lets the whole world look like this machine; from
/// anywhere else the path is the script's, as any.
bool asksForTick(const http::RequestHead& head);

/// The tick that the target of such a request describes. `time` is in milliseconds since the epoch,
/// by default `nowMillis`. @error InvalidArgument
Result<isolate::host::ScheduledEvent> parseTick(std::string_view target, std::int64_t nowMillis);

}  // namespace atolld::dispatch
