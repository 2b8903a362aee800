#pragma once

#include <string>
#include <string_view>

#include "http/handler.h"

namespace atolld::control {

/// Answers an exchange whose sink is not set yet; what else comes of it is nobody's concern.
void answerWhole(http::Exchange& exchange, int status, std::string_view contentType,
                 std::string text);

}  // namespace atolld::control
