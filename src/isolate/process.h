#pragma once

#include <v8-platform.h>
#include <v8-snapshot.h>

#include "isolate/external_references.h"
#include "isolate/guest.h"
#include "isolate/web_scripts.h"

namespace atolld::isolate {

/// Where V8 takes hash and random seeds from. Fixed makes snapshots reproducible; a server's must
/// be random, or a tenant's keys could be made to collide.
enum class Seeds : std::uint8_t { Random, Fixed };

/// Flags and V8's worker threads: what both making a snapshot and running isolates need. Any
/// thread, any number of times; the first call decides about the seeds.
void initializeV8(Seeds seeds);

v8::Platform& v8Platform();

/// The clock that scripts see (Date, and all that is made of it) stands still on this thread while
/// one of these lives, until advance(): a script cannot time its own work, or its neighbours'.
class StillClock {
 public:
  StillClock() noexcept { advance(); }
  ~StillClock();
  StillClock(const StillClock&) = delete;
  StillClock& operator=(const StillClock&) = delete;
  /// To now; an event came. The clock is read when the script first asks.
  static void advance() noexcept;
};

/// Ends an isolate. The pages of its heap stay for the next isolate to come, for some seconds.
void disposeIsolate(v8::Isolate* isolate);

/// What Platform::start() was given; it must have run.
struct Process {
  explicit Process(const Guest& processGuest)
      : guest(processGuest), references(guest), scripts{guest, references} {}

  const Guest& guest;
  ExternalReferences references;
  WebScripts scripts;
  v8::StartupData snapshot{};
};
const Process& process();

}  // namespace atolld::isolate
