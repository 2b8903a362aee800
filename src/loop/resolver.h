#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "loop/loop.h"
#include "loop/mailbox.h"
#include "loop/socket.h"
#include "loop/thread_pool.h"

namespace atolld::loop {

/// Names to addresses, by the system's getaddrinfo on a ThreadPool. Lookups of one name that are
/// under way at once are one lookup; nothing is remembered afterwards (the system's own resolver
/// caches). Loop thread only.
class Resolver {
 public:
  using Addresses = std::vector<SocketAddress>;
  using Callback = std::function<void(const Result<Addresses>& addresses)>;

  /// Somebody's interest in an answer; destroying it takes the interest back.
  class [[nodiscard]] Lookup {
   public:
    Lookup() = default;

   private:
    friend Resolver;
    std::shared_ptr<Callback> callback_;
  };

  /// Both must outlive the resolver.
  Resolver(Loop& loop, ThreadPool& pool);
  ~Resolver();

  /// Calls back later, never from inside, with at least one address in the system's order of
  /// preference. An IP literal (no brackets) is answered without a lookup.
  /// @error NotFound  the name does not exist; Unavailable  name servers cannot be reached.
  Lookup resolve(const std::string& host, std::uint16_t port, Callback onAnswer);

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace atolld::loop
