#pragma once

#include <cstdint>
#include <deque>
#include <optional>

#include "base/bytes.h"
#include "base/result.h"
#include "http/handler.h"
#include "isolate/host.h"

namespace atolld::dispatch {

class InboundBody;
class OutboundBody;

/// Who keeps the bodies of one isolate: implemented by WorkerState. Seat holder only, as all of
/// this file.
class BodyOwner {
 public:
  virtual void post(isolate::host::Event&& event) = 0;
  /// Takes the body out of its table; it is destroyed once no caller can be on the stack.
  virtual void retire(InboundBody& body) = 0;
  virtual void retire(OutboundBody& body) = 0;
  /// A body handed through keeps its worker from eviction, even after its invocation is done.
  virtual void pin() = 0;
  virtual void unpin() = 0;

 protected:
  ~BodyOwner() = default;
};

/// Who takes what a BodySource gives: a body of the script's, or a WebSocket's reader.
class BodyReceiver {
 public:
  virtual void receive(Bytes chunk) = 0;
  virtual void finish() = 0;
  virtual void breakOff(Error error) = 0;

 protected:
  ~BodyReceiver() = default;
};

/// Where a body's bytes come from: a client's request or a fetched response. It calls the receiver,
/// and has forgotten it before it calls finish() or breakOff().
class BodySource {
 public:
  /// Bytes may flow; idempotent.
  virtual void startBody() = 0;
  virtual void bodyConsumed(std::size_t bytes) = 0;
  /// Nobody wants the rest: the source forgets its receiver.
  virtual void cancelBody() = 0;

 protected:
  ~BodySource() = default;
};

/// What fills a BodyTarget.
class BodyFeeder {
 public:
  virtual void onTargetDrained() = 0;
  /// The node is about to go: what has no end of its own should come to one.
  virtual void onDrain() {}
  /// The target is gone, and has forgotten the feeder.
  virtual void onTargetGone(const Error& error) = 0;

 protected:
  ~BodyFeeder() = default;
};

/// Where an outbound body's bytes go: a client's response or a fetch's request.
class BodyTarget {
 public:
  virtual void setFeeder(BodyFeeder* feeder) = 0;
  virtual void writeBody(Bytes bytes) = 0;
  virtual void endBody() = 0;
  /// The body cannot be completed, and its reader must be able to tell.
  virtual void breakBody(const Error& error) = 0;
  virtual std::size_t bufferedBody() const = 0;

 protected:
  ~BodyTarget() = default;
};

/// A body on its way in. It waits (within its source's receive window) until the script reads it
/// piece by piece, collects it whole, hands it straight to a target, or drops it.
class InboundBody final : public BodyReceiver, public BodyFeeder {
 public:
  /// Both outlive it, or are forgotten by their own calls.
  /// `invocation`: whose CPU time the handling of its events is.
  InboundBody(BodyOwner& owner, isolate::host::BodyId id, BodySource& source,
              isolate::host::InvocationId invocation = 0);
  ~InboundBody();
  InboundBody(const InboundBody&) = delete;
  InboundBody& operator=(const InboundBody&) = delete;

  isolate::host::BodyId id() const noexcept { return id_; }
  /// Waits for its source, and somebody waits for it.
  bool awaited() const noexcept { return mode_ != Mode::Held && !finished_; }

  void receive(Bytes chunk) override;
  void finish() override;
  void breakOff(Error error) override;

  /// Asks the source for bytes; they wait here.
  void start();
  void pull(std::uint64_t credit);
  void collect(isolate::host::OpId op, std::uint64_t bytesMax);
  void pipeTo(BodyTarget& target);
  void cancel();

  /// The whole body, if all of it is here and nobody has touched it; then the body is finished.
  std::optional<Bytes> takeWhole();

  void onTargetDrained() override { pump(); }
  void onTargetGone(const Error& error) override;

 private:
  enum class Mode { Held, Script, Collect, Pipe };

  void pump();
  void pumpToScript();
  void pumpToCollector();
  void pumpToTarget();
  void answerCollector(isolate::host::OpValue value);
  Bytes joinQueue();
  void retire();

  BodyOwner& owner_;
  const isolate::host::BodyId id_;
  const isolate::host::InvocationId invocation_;
  BodySource* source_;
  BodyTarget* target_ = nullptr;
  Mode mode_ = Mode::Held;
  bool ended_ = false;
  bool finished_ = false;
  std::optional<Error> error_;
  std::deque<Bytes> queue_;
  std::uint64_t queuedBytes_ = 0;
  std::uint64_t credit_ = 0;
  isolate::host::OpId collectOp_ = 0;
  std::uint64_t collectBytesMax_ = 0;
  std::uint64_t collectedBytes_ = 0;
};

/// A body the script writes.
class OutboundBody final : public BodyFeeder {
 public:
  OutboundBody(BodyOwner& owner, isolate::host::BodyId id, BodyTarget& target,
               isolate::host::InvocationId invocation = 0);
  ~OutboundBody();
  OutboundBody(const OutboundBody&) = delete;
  OutboundBody& operator=(const OutboundBody&) = delete;

  isolate::host::BodyId id() const noexcept { return id_; }
  /// The script waits for the reader.
  bool awaited() const noexcept { return target_ != nullptr && unacknowledged_ > 0; }

  /// What may wait for a reader; the body of a script that writes on regardless is broken off.
  static constexpr std::size_t kBufferedBytesMax = 128ull * 1024 * 1024;

  void write(Bytes bytes);
  void close(std::optional<Error> error);
  /// Tells the script what the transport took, if it may write on.
  void acknowledge();

  void onTargetDrained() override;
  void onTargetGone(const Error& error) override;

 private:
  void retire();

  BodyOwner& owner_;
  const isolate::host::BodyId id_;
  const isolate::host::InvocationId invocation_;
  BodyTarget* target_;
  std::uint64_t unacknowledged_ = 0;
  /// The script writes on while less waits for the reader: large for one that keeps up, small for
  /// one that does not.
  std::size_t window_ = 2 * http::Exchange::kLowWaterBytes;
};

}  // namespace atolld::dispatch
