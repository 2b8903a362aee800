#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "isolate/guest.h"

namespace atolld::isolate {

/// Runs the guest's eager scripts in a fresh context and returns it as a blob for
/// Platform::start(). Build time (tools/snapshot) and tests; the same guest gives the same bytes.
///
/// Natives exist while it runs but Isolate::from() does not: a script run into the snapshot may
/// keep natives, and must not call one that asks for its isolate.
///
/// @error Script: a script threw or did not compile, with place and text; or it left something
/// behind that V8 cannot write down.
Result<std::string> makeSnapshot(const Guest& guest);

}  // namespace atolld::isolate
