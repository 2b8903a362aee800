#pragma once

#include <v8.h>

#include <chrono>
#include <cstddef>
#include <memory>
#include <span>
#include <string>

#include "base/result.h"
#include "deploy/deployment.h"
#include "isolate/guest.h"
#include "isolate/host.h"

namespace atolld::isolate {

class Inspector;
struct IsolateState;

/// Stack that every thread entering an isolate needs: V8 takes 984 KB from where it was entered and
/// trusts that they are there; the rest is for our frames below and the natives' above.
inline constexpr std::size_t kScriptThreadStackBytes = 4ull * 1024 * 1024;

struct IsolateLimits {
  std::size_t heapBytesMax = 128ull * 1024 * 1024;    ///< JavaScript objects, strings, code.
  std::size_t bufferBytesMax = 128ull * 1024 * 1024;  ///< ArrayBuffers and Wasm memories together.
  Inspector* inspector = nullptr;                     ///< Lets debuggers in; outlives the isolate.
};

/// V8's process-wide state: flags, platform, the snapshot blob. Made once, first thing; never torn
/// down before the last isolate is gone.
class Platform {
 public:
  /// `snapshot` must outlive the process's use of V8; `guest` likewise.
  static Platform& start(std::string_view snapshot, const Guest& guest);
};

/// What a thread does when V8 gives up on the isolate that it is in (memory that it cannot do
/// without, a table that grew too large): the isolate can be neither left nor entered again.
class LastResort {
 public:
  /// On that thread, inside the slice; Isolate::loss() says why. Does not return if the process can
  /// do without the thread. Where it returns, V8 ends the process.
  virtual void onIsolateBroken() noexcept = 0;

 protected:
  ~LastResort() = default;
};

/// For the calling thread, until null is set. Without one, the process ends.
void setLastResort(LastResort* resort) noexcept;

/// One V8 isolate with one context, made from the snapshot, running one version of one script. Any
/// thread may enter it, one at a time (v8::Locker inside).
class Isolate {
 public:
  /// Costs about a millisecond: off the loop thread where it matters.
  static Result<std::unique_ptr<Isolate>> create(const IsolateLimits& limits);
  ~Isolate();
  Isolate(const Isolate&) = delete;
  Isolate& operator=(const Isolate&) = delete;

  /// Compiles (or takes from the code cache), links and evaluates the version's modules. Once.
  /// @error Script: syntax error, missing import, exception at top level, no default export …,
  /// each with module, line and mend.
  Result<> load(std::shared_ptr<const deploy::Version> version);

  /// Instead of load(): compiles and links every module and runs none. The isolate is of no further
  /// use.
  /// @error as load(), as far as it can be known
  Result<> link(std::shared_ptr<const deploy::Version> version);

  /// One slice: enters, delivers each event and drains microtasks after each, leaves. Effects are
  /// appended to `outbox`.
  /// @error Timeout (CPU time used up), TooLarge (memory), Script (load failed): the isolate must
  /// be dropped.
  Result<> run(std::span<host::Event> events, host::Outbox& outbox);

  /// What load() spent its time on.
  struct LoadTimes {
    std::chrono::nanoseconds compile{};   ///< Until all modules were linked.
    std::chrono::nanoseconds evaluate{};  ///< Their top levels.
    bool cached = false;                  ///< All compiled code came from the code cache.
  };
  const LoadTimes& loadTimes() const noexcept;

  /// Whether storeCode() has something to do: the code cache has less than what is compiled here.
  bool hasCodeToStore() const noexcept;
  enum class CodeState : bool { Loaded, Used };
  /// Puts the modules' compiled code into the code cache. A slice like any other; best after the
  /// first event was handled (Used), when V8 has compiled the functions that matter.
  void storeCode(CodeState state);

  /// Whether collectGarbage() may be worth its time: the isolate holds more than a warm one should
  /// and twice what it held after the last one, which is a minute ago.
  bool wantsCollection() const noexcept;
  /// Gives back what the script has no more use for: V8 does not by itself while nothing runs. A
  /// slice like any other, of some ten milliseconds; for an isolate that has nothing to do.
  void collectGarbage();

  /// Whether a debugger wants something, for which run() without events is called. Any thread.
  bool wantsInspection() const noexcept;

  /// Ends the running slice (CPU time used up): run() or load() then fails. Any thread, but only
  /// while a slice runs for sure: a request that comes between slices is forgotten by V8, yet the
  /// isolate counts as lost.
  void terminate() noexcept;
  /// Why it may not run again. Any thread.
  Error loss() const;

  const std::shared_ptr<const deploy::Version>& version() const noexcept;
  std::size_t heapBytes() const noexcept;  ///< As of the end of the last slice.
  /// Whose event runs; 0: none's. Any thread, while a slice runs.
  host::InvocationId runningInvocation() const noexcept;

  // ---- for natives, inside a slice only ----
  static Isolate& from(v8::Isolate* v8Isolate) noexcept;
  v8::Isolate* v8() const noexcept;
  host::Outbox& outbox() noexcept;
  Guest::State& guestState() noexcept;
  /// Bytes that an effect carries: a slice that leaves more than `bufferBytesMax` in its outbox,
  /// where no heap limit sees them, is ended.
  void countOutbox(std::size_t bytes) noexcept;

 private:
  friend IsolateState& stateOf(v8::Isolate* isolate) noexcept;
  explicit Isolate(std::unique_ptr<IsolateState> state);
  std::unique_ptr<IsolateState> state_;
};

}  // namespace atolld::isolate
