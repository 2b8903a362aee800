#pragma once

#include <string_view>

#include "deploy/mapped_stack.h"
#include "dispatch/answers.h"
#include "http/handler.h"
#include "http/message.h"

namespace atolld::dispatch {

/// Whether a person in front of a browser is likely to read the answer.
bool acceptsHtml(const http::RequestHead& head);

/// As answerRefusal(), for developers: a page with the exception, where it was thrown and from
/// where that was called. Shows code.
void answerErrorPage(http::Exchange& exchange, Refusal refusal, std::string_view ray,
                     std::string_view message, const deploy::MappedStack& stack);

}  // namespace atolld::dispatch
