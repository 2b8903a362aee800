#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "dispatch/body.h"
#include "dispatch/cache_rules.h"
#include "http/message.h"
#include "isolate/host.h"
#include "store/cache_store.h"

namespace atolld::dispatch {

class Dispatcher;
class WorkerState;

/// A question to the node's cache, taken apart: see isolate/cache_question.h.
struct CacheQuestion {
  std::string tenant;
  std::string key;  ///< The cache's name and the URL.
  http::HeaderList request;
  http::HeaderList response;  ///< Of a put.
  int status = 0;
};
CacheQuestion takeCacheQuestion(const http::RequestHead& head, std::string_view tenant);

/// Keeps a cached body readable as long as this lives.
class CachePin {
 public:
  CachePin(store::CacheStore& cache, std::uint64_t id) : cache_(cache), id_(id) {}
  ~CachePin() { cache_.unpin(id_); }
  CachePin(const CachePin&) = delete;
  CachePin& operator=(const CachePin&) = delete;
  std::uint64_t id() const noexcept { return id_; }

 private:
  store::CacheStore& cache_;
  const std::uint64_t id_;
};

/// What the cache has for a request. The body is whole in `bytes`, or to be read through `pin`.
struct CacheHit {
  http::ResponseHead head;
  std::optional<Bytes> bytes;
  std::shared_ptr<CachePin> pin;
  ByteRange range;
};
/// Blocks on disk.
Result<std::optional<CacheHit>> findInCache(store::CacheStore& cache, const CacheQuestion& question,
                                            UnixMillis now);
/// Stores a body that is all there. TooLarge counts as done: it is not stored. Blocks on disk.
Result<> putIntoCache(store::CacheStore& cache, const CacheQuestion& question,
                      std::chrono::seconds lifetime, std::string_view body, UnixMillis now);

/// A cached body on its way to a script or a client, a piece ahead of its reader. Seat holder only.
class CacheRead final : public BodySource, public std::enable_shared_from_this<CacheRead> {
 public:
  CacheRead(Dispatcher& dispatcher, store::CacheStore& cache, std::shared_ptr<CachePin> pin,
            ByteRange range);
  /// `body` has this for its source; it keeps itself alive until that ended.
  void attach(InboundBody& body);

  void startBody() override;
  void bodyConsumed(std::size_t bytes) override;
  void cancelBody() override;

 private:
  void readNext();
  void onPiece(Result<std::string> piece);

  Dispatcher& dispatcher_;
  store::CacheStore& cache_;
  const std::shared_ptr<CachePin> pin_;
  const ByteRange range_;
  std::uint64_t next_;  ///< Of the body's bytes, the first not yet read.
  std::uint64_t unread_ = 0;
  bool reading_ = false;
  InboundBody* body_ = nullptr;
  std::shared_ptr<CacheRead> self_;
};

/// A body on its way into the cache, written piece by piece. Seat holder only.
class CacheWrite final : public BodyTarget, public std::enable_shared_from_this<CacheWrite> {
 public:
  CacheWrite(Dispatcher& dispatcher, store::CacheStore& cache, CacheQuestion question,
             std::chrono::seconds lifetime, std::uint64_t worker, isolate::host::OpId op);
  /// Keeps itself alive until the body ended or broke off.
  void begin() { self_ = shared_from_this(); }

  void setFeeder(BodyFeeder* feeder) override { feeder_ = feeder; }
  void writeBody(Bytes bytes) override;
  void endBody() override;
  void breakBody(const Error& error) override;
  std::size_t bufferedBody() const override { return buffer_.size() + writingBytes_; }

 private:
  void writeNext();
  void onWritten(const Result<>& ok, bool committed);
  void finish(const Result<>& ok);

  Dispatcher& dispatcher_;
  store::CacheStore& cache_;
  const CacheQuestion question_;
  const std::chrono::seconds lifetime_;
  const std::uint64_t worker_;
  const isolate::host::OpId op_;
  std::shared_ptr<store::CacheStore::Writer> writer_;
  std::string buffer_;
  std::size_t writingBytes_ = 0;
  bool writing_ = false;
  bool ended_ = false;
  bool finished_ = false;
  BodyFeeder* feeder_ = nullptr;
  std::shared_ptr<CacheWrite> self_;
};

}  // namespace atolld::dispatch
