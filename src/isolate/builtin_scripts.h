#pragma once

#include <span>

#include "isolate/guest.h"

namespace atolld::isolate {

/// The files of isolates/web in the order of its manifest.txt. Defined by generated code: link
/// `web_scripts_cc` (isolates/meson.build).
std::span<const WebScript> builtinScripts();

}  // namespace atolld::isolate
