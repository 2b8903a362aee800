#pragma once

#include "isolate/guest.h"

namespace atolld::webapi {

/// The Web API as isolates see it: built-in scripts (isolates/web) and the natives they call. One
/// per process, for Platform::start() and for the snapshot.
const isolate::Guest& guest();

}  // namespace atolld::webapi
