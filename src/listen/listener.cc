#include "listen/listener.h"

#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "base/check.h"
#include "listen/connection.h"
#include "loop/deadline_wheel.h"
#include "loop/poll.h"
#include "loop/timer.h"
#include "telemetry/log.h"

namespace atolld::listen {
namespace {

constexpr int kAcceptsPerRoundMax = 64;
constexpr std::size_t kReceiveBytes = 64 * 1024;
constexpr std::size_t kScratchBytes = 16 * 1024;
/// How long accepting rests when the process is out of descriptors.
constexpr std::chrono::milliseconds kExhaustedPause{250};
/// Connections looked at to find idle ones, when there is no room for a new one.
constexpr std::size_t kEvictionScanMax = 256;
constexpr std::size_t kEvictionsMax = 16;
constexpr std::uint64_t kLogPauseMillis = 10'000;
/// What a socket takes before it stops being writable: more only adds latency and memory.
constexpr int kUnsentBytesMax = 256 * 1024;

/// The wheel's tick: fine enough for the shortest limit, coarse enough to cost nothing.
std::chrono::milliseconds tickFor(const ListenLimits& limits) {
  const auto shortest = std::min({limits.handshake, limits.requestHead, limits.bodyProgress,
                                  limits.writeProgress, limits.idle, limits.linger});
  return std::clamp(shortest / 8, std::chrono::milliseconds(1), std::chrono::milliseconds(250));
}

}  // namespace

class Listener::Impl final : public ConnectionHost {
 public:
  Impl(loop::Loop& loop, ListenerOptions options, http::Handler& handler)
      : loop_(loop),
        options_(std::move(options)),
        handler_(handler),
        wheel_(loop, tickFor(options_.limits)),
        flush_(loop, [this] { flushAll(); }),
        pauseTimer_(loop),
        drainTimer_(loop) {}

  ~Impl() {
    for (const auto& connection : connections_) connection->kill();
    stats_->open.subtract(connections_.size());
    connections_.clear();
  }

  Result<> start() {
    ATOLL_TRY(address_, loop::localAddress(options_.socket.get()));
    setsockopt(options_.socket.get(), IPPROTO_TCP, TCP_NOTSENT_LOWAT, &kUnsentBytesMax,
               sizeof(kUnsentBytesMax));  // Inherited; not having it costs memory only.
    ATOLL_TRY(loop::Poll poll, loop::Poll::open(loop_, options_.socket.get(),
                                                [this](loop::Poll::Ready) { acceptSome(); }));
    poll_.emplace(std::move(poll));
    poll_->watch(true, false);
    return {};
  }

  void drain(std::function<void()> onDrained) {
    ATOLL_CHECK(!draining_);
    draining_ = true;
    onDrained_ = std::move(onDrained);
    if (poll_) {
      // Closing a listening socket resets what waits in its queue.
      while (acceptSome() == kAcceptsPerRoundMax) {
      }
      poll_.reset();
    }
    options_.socket.reset();
    pauseTimer_.stop();
    for (const auto& connection : connections_) connection->startDrain();
    drainTimer_.start(options_.limits.drain, [this] {
      for (const auto& connection : connections_) {
        connection->kill();
        wantsFlush(*connection);
      }
    });
    flush_.schedule();
  }

  void sendAway() {
    for (const auto& connection : connections_) connection->startDrain();
    flush_.schedule();
  }
  void useTls(std::shared_ptr<const tls::ServerContext> tls) {
    ATOLL_CHECK(options_.tls && tls);
    options_.tls = std::move(tls);
  }

  const loop::SocketAddress& address() const { return address_; }
  const std::shared_ptr<ListenerStats>& stats() const { return stats_; }

 private:
  loop::Loop& eventLoop() override { return loop_; }
  loop::DeadlineWheel& deadlines() override { return wheel_; }
  http::Handler& handler() override { return handler_; }
  const ListenLimits& limits() const override { return options_.limits; }
  const http::ServerLimits& httpLimits() const override { return options_.http; }
  ListenerStats& tallies() override { return *stats_; }
  std::span<char> receiveBuffer() override { return receiveBuffer_; }
  std::span<char> scratchBuffer() override { return scratchBuffer_; }
  void onServerName(std::string_view name) override {
    if (options_.onServerName) options_.onServerName(name);
  }
  void wantsFlush(Connection& connection) override {
    if (std::exchange(connection.flushWanted, true)) return;
    dirty_.push_back(&connection);
    flush_.schedule();
  }

  /// @return how many connections it took.
  int acceptSome() {
    for (int count = 0; count < kAcceptsPerRoundMax; ++count) {
      if (connections_.size() >= options_.limits.connectionCountMax && !draining_) {
        pauseFull();
        return count;
      }
      sockaddr_in6 raw{};
      socklen_t size = sizeof(raw);
      loop::Descriptor socket(accept4(options_.socket.get(), reinterpret_cast<sockaddr*>(&raw),
                                      &size, SOCK_NONBLOCK | SOCK_CLOEXEC));
      if (!socket) {
        // A connection that ended while it waited is no reason to stop.
        if (errno == ECONNABORTED || errno == EINTR || errno == EPROTO) continue;
        if (errno != EAGAIN && errno != EWOULDBLOCK) pauseExhausted(errno);
        return count;
      }
      stats_->accepted.add();
      const auto peer = loop::SocketAddress::fromRaw(reinterpret_cast<sockaddr*>(&raw), size);
      if (peer) add(std::move(socket), *peer);
    }
    return kAcceptsPerRoundMax;
  }

  void add(loop::Descriptor socket, const loop::SocketAddress& peer) {
    std::optional<tls::Session> session;
    if (options_.tls) session.emplace(tls::Session::server(options_.tls));
    auto connection = std::make_unique<Connection>(*this, std::move(socket), peer, address_.port(),
                                                   std::move(session));
    if (!connection->start()) {
      stats_->acceptErrors.add();
      return;
    }
    connection->hostIndex = connections_.size();
    connections_.push_back(std::move(connection));
    stats_->open.add();
  }

  void remove(Connection& connection) {
    const std::size_t index = connection.hostIndex;
    std::swap(connections_[index], connections_.back());
    connections_[index]->hostIndex = index;
    connections_.pop_back();
    stats_->open.subtract(1);
    if (full_ && poll_) {
      full_ = false;
      poll_->watch(true, false);
    }
  }

  void pauseFull() {
    if (!full_) stats_->fullPauses.add();
    if (!full_ && mayLog(fullLoggedMillis_)) {
      telemetry::log(telemetry::Level::Warn, "listener_full",
                     {{"address", address_.toString()},
                      {"connections", static_cast<std::int64_t>(connections_.size())}});
    }
    full_ = true;
    poll_->watch(false, false);
    std::size_t evicted = 0;
    for (std::size_t i = 0; i < std::min(kEvictionScanMax, connections_.size()); ++i) {
      Connection& candidate = *connections_[evictionCursor_++ % connections_.size()];
      if (!candidate.idle()) continue;
      candidate.startDrain();
      if (++evicted == kEvictionsMax) break;
    }
  }

  /// Under attack one line in ten seconds says as much as thousands.
  bool mayLog(std::uint64_t& lastMillis) {
    const std::uint64_t now = loop_.nowMillis();
    if (lastMillis != 0 && now - lastMillis < kLogPauseMillis) return false;
    lastMillis = now;
    return true;
  }

  void pauseExhausted(int error) {
    stats_->acceptErrors.add();
    if (mayLog(exhaustedLoggedMillis_)) {
      telemetry::log(telemetry::Level::Error, "accept_failed",
                     {{"address", address_.toString()},
                      {"error", loop::systemErrorText(error)},
                      {"mend", "raise the limit of open files (ulimit -n, LimitNOFILE)"}});
    }
    if (!poll_ || draining_) return;
    poll_->watch(false, false);
    pauseTimer_.start(kExhaustedPause, [this] {
      if (!full_) poll_->watch(true, false);
    });
  }

  void flushAll() {
    // By index: a flush can make others want one.
    for (std::size_t i = 0; i < dirty_.size(); ++i) {
      Connection& connection = *dirty_[i];
      connection.flushWanted = false;
      connection.flush();
      if (!connection.finished()) continue;
      ATOLL_CHECK(!connection.flushWanted);
      remove(connection);
    }
    dirty_.clear();
    if (draining_ && connections_.empty() && onDrained_) {
      drainTimer_.stop();
      const std::function<void()> onDrained = std::exchange(onDrained_, nullptr);
      onDrained();  // May destroy this.
    }
  }

  loop::Loop& loop_;
  ListenerOptions options_;
  http::Handler& handler_;
  const std::shared_ptr<ListenerStats> stats_ = std::make_shared<ListenerStats>();
  loop::SocketAddress address_;
  loop::DeadlineWheel wheel_;
  std::vector<std::unique_ptr<Connection>> connections_;
  std::vector<Connection*> dirty_;
  loop::Deferred flush_;
  std::optional<loop::Poll> poll_;
  loop::Timer pauseTimer_;
  loop::Timer drainTimer_;
  std::size_t evictionCursor_ = 0;
  std::uint64_t fullLoggedMillis_ = 0;
  std::uint64_t exhaustedLoggedMillis_ = 0;
  bool full_ = false;
  bool draining_ = false;
  std::function<void()> onDrained_;
  std::array<char, kReceiveBytes> receiveBuffer_;
  std::array<char, kScratchBytes> scratchBuffer_;
};

Listener::Listener(loop::Loop& loop, ListenerOptions options, http::Handler& handler)
    : impl_(std::make_unique<Impl>(loop, std::move(options), handler)) {}
Listener::~Listener() = default;
Result<> Listener::start() { return impl_->start(); }
const loop::SocketAddress& Listener::address() const { return impl_->address(); }
void Listener::sendAway() { impl_->sendAway(); }
void Listener::useTls(std::shared_ptr<const tls::ServerContext> tls) {
  impl_->useTls(std::move(tls));
}
void Listener::drain(std::function<void()> onDrained) { impl_->drain(std::move(onDrained)); }
std::shared_ptr<const ListenerStats> Listener::stats() const { return impl_->stats(); }

}  // namespace atolld::listen
