#pragma once

#include <sys/types.h>

#include <functional>
#include <optional>
#include <string>
#include <thread>

#include "cli.h"

namespace atolld::cli {

/// A standalone node of one command's own: started, and stopped with it.
class PrivateNode {
 public:
  /// Called on a thread of the node's for each line of its log, in order.
  using OnLine = std::function<void(const Json&)>;

  struct Options {
    std::string dataDirectory;
    int port = 0;                    ///< On 127.0.0.1; 0 picks one.
    std::optional<int> inspectPort;  ///< The same, for debuggers.
    std::string sourceDirectory;     ///< What debuggers find the script's sources in; absolute.
  };
  /// Starts it and waits until it serves. Throws CliError with what the node says where it does
  /// not.
  PrivateNode(const Options& options, OnLine onLine);
  /// Stops it, and waits for that.
  ~PrivateNode();
  PrivateNode(const PrivateNode&) = delete;
  PrivateNode& operator=(const PrivateNode&) = delete;

  const std::string& controlUrl() const noexcept { return controlUrl_; }
  const std::string& token() const noexcept { return token_; }
  int port() const noexcept { return port_; }
  /// Of debuggers: "127.0.0.1:9229"; empty without one.
  const std::string& inspectAddress() const noexcept { return inspectAddress_; }
  int descriptor() const noexcept { return out_; }  ///< Readable: it has ended.

 private:
  void readReady();
  void readLog();

  const OnLine onLine_;
  pid_t pid_ = 0;
  int out_ = -1;
  int log_ = -1;
  std::string controlUrl_, token_, inspectAddress_, lastWords_;
  int port_ = 0;
  std::thread reader_;
};

}  // namespace atolld::cli
