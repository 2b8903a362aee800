#pragma once

#include <map>
#include <string>

namespace atolld::cli {

/// Tells when a file below a directory was written, made, moved or removed. What tools make there
/// themselves is left out: node_modules, and whatever begins with a dot but .dev.vars.
class Watcher {
 public:
  explicit Watcher(std::string directory);  ///< Throws CliError.
  ~Watcher();
  Watcher(const Watcher&) = delete;
  Watcher& operator=(const Watcher&) = delete;

  int descriptor() const noexcept { return descriptor_; }  ///< Readable: something happened.
  /// The path of a file that changed since the last call, below the directory; empty: none.
  std::string takeChange();

 private:
  void add(const std::string& folder);  ///< And those below; "" is the directory itself.

  const std::string directory_;
  int descriptor_ = -1;
  std::map<int, std::string> folders_;  ///< By watch.
};

}  // namespace atolld::cli
