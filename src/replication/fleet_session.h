#pragma once

#include <memory>
#include <string>
#include <utility>

#include "replication/fleet_server.h"

namespace atolld::replication {

/// Inside replication only: one request of a node. Shared by the server (until the exchange is
/// over) and by jobs under way. Loop thread only.
class FleetServer::Session : public http::ExchangeSink,
                             public std::enable_shared_from_this<FleetServer::Session> {
 public:
  Session(FleetServer& server, http::Exchange& exchange, Caller caller)
      : server_(server), exchange_(&exchange), caller_(std::move(caller)) {}

  virtual void start() = 0;
  void onBody(Bytes chunk) override {
    if (exchange_ != nullptr) exchange_->consumed(chunk.size());
  }
  void onBodyEnd(http::HeaderList) override {}
  void onDrained() override {}
  void onClosed(const Result<>&) override {
    exchange_ = nullptr;
    closed();
    const auto self = shared_from_this();  // Outlives the erasure below.
    server_.sessions_.erase(this);
  }
  const Caller& caller() const { return caller_; }

 protected:
  virtual void closed() {}
  bool open() const { return exchange_ != nullptr && !answered_; }
  void answer(const Result<std::string>& result);
  /// A head whose body is streamed.
  void beginStream();
  void cut() {
    if (exchange_ != nullptr) exchange_->abort();
  }

  FleetServer& server_;
  http::Exchange* exchange_;  // Null once it is over.
  const Caller caller_;
  bool answered_ = false;
};

template <class Work, class Then>
void FleetServer::on(loop::ThreadPool& pool, Work work, Then then) {
  pool.submit([this, work = std::move(work), then = std::move(then)]() mutable {
    mailbox_.post([then = std::move(then), result = work()]() mutable { then(std::move(result)); });
  });
}

/// The log, from where the follower is, for as long as both are there.
class LogStream final : public FleetServer::Session {
 public:
  LogStream(FleetServer& server, http::Exchange& exchange, Caller caller, store::Position asked)
      : Session(server, exchange, std::move(caller)), asked_(std::move(asked)) {}

  void start() override;
  /// Asks for more entries, if there are any and the follower takes them.
  void pump();
  void onChunk(const FleetServer::Chunk& chunk);
  void sendNews();
  void end() { cut(); }
  std::uint64_t next() const { return next_; }

 private:
  void onDrained() override { pump(); }
  void closed() override;
  void greet(Verdict verdict, const store::Position& head);

  const store::Position asked_;
  std::string history_;
  std::uint64_t next_ = 0;
  bool following_ = false;
  bool reading_ = false;
};

}  // namespace atolld::replication
