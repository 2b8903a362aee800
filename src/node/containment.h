#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace atolld::node {

/// A measure that keeps what breaks out of V8 from going further, and whether it is in force.
struct Measure {
  std::string_view name;
  bool active = false;
  std::string why;  ///< If it is not.
};

struct ContainmentOptions {
  std::vector<std::string> writable;  ///< Directories the process writes to; they exist.
  std::vector<std::string> readable;  ///< Files and directories it reads besides the system's.
  /// A microsecond or two of each request: every system call then takes the kernel's slow way in.
  bool filterSystemCalls = false;
};

/// Takes from this process what a server of scripts has no use for: new privileges, capabilities
/// (but the one for low ports), files outside of its own, new programs, and the parts of the kernel
/// that exploits begin with. Before any other thread is made: threads inherit it. What the kernel
/// does not offer is told, not fatal.
std::vector<Measure> contain(const ContainmentOptions& options);

/// contain(), with a line in the log for each measure.
void containAndLog(const ContainmentOptions& options);

}  // namespace atolld::node
