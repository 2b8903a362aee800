#include "loop/resolver.h"

#include <netdb.h>

#include <map>
#include <utility>

namespace atolld::loop {
namespace {

Result<Resolver::Addresses> lookUp(const std::string& host) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_ADDRCONFIG;
  addrinfo* list = nullptr;
  int status = getaddrinfo(host.c_str(), nullptr, &hints, &list);
  if (status == EAI_NONAME || status == EAI_ADDRFAMILY) {
    // AI_ADDRCONFIG hides loopback names on a host that has nothing but loopback.
    hints.ai_flags = 0;
    status = getaddrinfo(host.c_str(), nullptr, &hints, &list);
  }
  if (status != 0) {
    const bool absent = status == EAI_NONAME || status == EAI_NODATA || status == EAI_ADDRFAMILY;
    return fail(absent ? ErrorCode::NotFound : ErrorCode::Unavailable,
                "cannot resolve " + host + ": " + gai_strerror(status));
  }
  Resolver::Addresses addresses;
  for (const addrinfo* entry = list; entry != nullptr; entry = entry->ai_next) {
    if (auto address = SocketAddress::fromRaw(entry->ai_addr, entry->ai_addrlen)) {
      addresses.push_back(*address);
    }
  }
  freeaddrinfo(list);
  if (addresses.empty()) return fail(ErrorCode::NotFound, "no address for " + host);
  return addresses;
}

}  // namespace

struct Resolver::State {
  struct Waiter {
    std::weak_ptr<Callback> callback;
    std::uint16_t port;
  };

  State(Loop& owner, ThreadPool& threads) : loop(owner), mailbox(owner), pool(threads) {}

  Loop& loop;
  Mailbox mailbox;
  ThreadPool& pool;
  std::map<std::string, std::vector<Waiter>> underWay;  // Loop thread only.

  void answer(const std::string& host, const Result<Addresses>& found) {
    const auto node = underWay.extract(host);
    if (node.empty()) return;
    for (const Waiter& waiter : node.mapped()) {
      const std::shared_ptr<Callback> callback = waiter.callback.lock();
      if (!callback) continue;
      Result<Addresses> own = found;
      if (own) {
        for (SocketAddress& address : *own) address.setPort(waiter.port);
      }
      (*callback)(own);
    }
  }
};

Resolver::Resolver(Loop& loop, ThreadPool& pool) : state_(std::make_shared<State>(loop, pool)) {}

Resolver::~Resolver() {
  // Lookups under way keep the state, and find its mailbox closed.
  state_->mailbox.close();
}

Resolver::Lookup Resolver::resolve(const std::string& host, std::uint16_t port, Callback onAnswer) {
  state_->loop.checkThread();
  Lookup lookup;
  lookup.callback_ = std::make_shared<Callback>(std::move(onAnswer));
  if (const auto literal = SocketAddress::fromIp(host, port)) {
    state_->mailbox.post([callback = std::weak_ptr(lookup.callback_), address = *literal] {
      if (const auto alive = callback.lock()) (*alive)(Addresses{address});
    });
    return lookup;
  }
  std::vector<State::Waiter>& waiters = state_->underWay[host];
  waiters.push_back({lookup.callback_, port});
  if (waiters.size() == 1) {
    state_->pool.submit([state = state_, host] {
      Result<Addresses> found = lookUp(host);
      // The letter must not own the mailbox it waits in.
      state->mailbox.post(
          [raw = state.get(), host, found = std::move(found)] { raw->answer(host, found); });
    });
  }
  return lookup;
}

}  // namespace atolld::loop
