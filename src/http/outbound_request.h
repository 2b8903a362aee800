#pragma once

#include <optional>

#include "base/result.h"
#include "http/message.h"

namespace atolld::http {

/// What could not be written as exactly one request is not written at all: says why not.
std::optional<Error> checkOutboundRequest(const RequestHead& head);

}  // namespace atolld::http
