#pragma once

#include <string_view>

namespace atolld::isolate {

/// The snapshot of webapi's guest, made at build time, for Platform::start(). Defined by generated
/// code: link `snapshot_dep` (tools/snapshot/meson.build).
std::string_view builtinSnapshot();

}  // namespace atolld::isolate
