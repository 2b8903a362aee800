#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "deploy/deployment.h"

namespace atolld::isolate {

class Inspection;

/// A debugger that speaks the Chrome DevTools Protocol (JSON).
class Frontend {
 public:
  virtual ~Frontend() = default;
  /// A response or notification. Any thread.
  virtual void onMessage(std::string text) = 0;
  /// Another front-end took its place, or there is nothing to debug any more. Any thread.
  virtual void onReplaced() = 0;
};

/// One script as debuggers see it, whichever isolate runs it: what they said to one isolate (their
/// breakpoints among it) holds for the next. One front-end at a time. Any thread.
class InspectedScript {
 public:
  InspectedScript(std::string tenant, std::string script, std::string id)
      : tenant_(std::move(tenant)), script_(std::move(script)), id_(std::move(id)) {}

  const std::string& tenant() const noexcept { return tenant_; }
  const std::string& script() const noexcept { return script_; }
  /// Not to be guessed: who knows it may run code in the script.
  const std::string& id() const noexcept { return id_; }

  // ---- the front-end's side ----
  void attach(std::shared_ptr<Frontend> frontend);
  /// Nothing if `frontend` was replaced.
  void detach(const Frontend& frontend);
  void send(const Frontend& frontend, std::string message);
  bool isAttached() const;
  /// A script that stands at a breakpoint goes on, and no front-end is served any more.
  void close();

  // ---- the isolates' side (inspection.h), inside their slices ----
  /// What waits for an isolate.
  struct Work {
    std::uint64_t attachment = 0;  ///< Counts front-ends; 0: the isolate has no part in it (more).
    std::shared_ptr<Frontend> frontend;
    std::vector<std::uint8_t> state;  ///< What the session before this one left.
    std::deque<std::string> messages;
    bool isClosed = false;
  };
  /// The newest isolate is the one that is debugged.
  void enter(Inspection& inspection);
  void leave(const Inspection& inspection);
  /// Whether take() has something for an isolate that knows of `attachment`.
  bool hasWork(const Inspection& inspection, std::uint64_t attachment) const;
  Work take(const Inspection& inspection);
  /// Waits until there is some.
  Work wait(const Inspection& inspection, std::uint64_t attachment);
  void keepState(const Inspection& inspection, std::vector<std::uint8_t> state);

 private:
  bool hasWorkLocked(const Inspection& inspection, std::uint64_t attachment) const;
  Work takeLocked(const Inspection& inspection);

  const std::string tenant_, script_, id_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  // Guarded by mutex_.
  Inspection* current_ = nullptr;
  std::shared_ptr<Frontend> frontend_;
  std::uint64_t attachment_ = 1;
  std::deque<std::string> messages_;
  std::vector<std::uint8_t> state_;
  bool isClosed_ = false;
};

/// Lets debuggers into the scripts of this process: for development only, since a debugger may do
/// what the script may, and stops it. Any thread.
class Inspector {
 public:
  struct Options {
    /// URL of the directory that modules came from, with a '/' at its end; empty: not known.
    std::string sourceRoot;
    /// The JSON of a Version::sourceMaps; empty if it cannot be read.
    std::function<std::string(const deploy::Module&)> readSourceMap;
  };
  explicit Inspector(Options options) : options_(std::move(options)) {}

  const Options& options() const noexcept { return options_; }
  /// Made when first asked for.
  std::shared_ptr<InspectedScript> script(const std::string& tenant, const std::string& script);
  /// Null: there is none.
  std::shared_ptr<InspectedScript> find(std::string_view id) const;
  /// Those with a front-end.
  std::vector<std::shared_ptr<InspectedScript>> attached() const;
  /// Of every script.
  void close();

 private:
  const Options options_;
  mutable std::mutex mutex_;
  std::map<std::pair<std::string, std::string>, std::shared_ptr<InspectedScript>> scripts_;
  bool isClosed_ = false;
};

}  // namespace atolld::isolate
