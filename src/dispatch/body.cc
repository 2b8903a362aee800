#include "dispatch/body.h"

#include <algorithm>
#include <string>
#include <utility>

namespace atolld::dispatch {

namespace host = isolate::host;

InboundBody::InboundBody(BodyOwner& owner, host::BodyId id, BodySource& source,
                         host::InvocationId invocation)
    : owner_(owner), id_(id), invocation_(invocation), source_(&source) {}

InboundBody::~InboundBody() {
  if (source_ != nullptr) source_->cancelBody();
  if (target_ != nullptr) {
    target_->setFeeder(nullptr);
    target_->breakBody({ErrorCode::Aborted, "the body's script is gone"});
  }
}

void InboundBody::receive(Bytes chunk) {
  if (finished_) return;
  queuedBytes_ += chunk.size();
  queue_.push_back(std::move(chunk));
  pump();
}

void InboundBody::finish() {
  source_ = nullptr;
  ended_ = true;
  pump();
}

void InboundBody::breakOff(Error error) {
  source_ = nullptr;
  if (ended_) return;
  ended_ = true;
  error_ = std::move(error);
  pump();
}

void InboundBody::start() {
  if (source_ != nullptr) source_->startBody();
}

void InboundBody::pull(std::uint64_t credit) {
  if (finished_ || (mode_ != Mode::Held && mode_ != Mode::Script)) return;
  mode_ = Mode::Script;
  credit_ += credit;
  start();
  pump();
}

void InboundBody::collect(host::OpId op, std::uint64_t bytesMax) {
  if (finished_ || (mode_ != Mode::Held && mode_ != Mode::Script)) {
    owner_.post(host::OpDone{op, Error{ErrorCode::Aborted, "the body is gone"}});
    return;
  }
  mode_ = Mode::Collect;
  collectOp_ = op;
  collectBytesMax_ = bytesMax;
  start();
  pump();
}

void InboundBody::pipeTo(BodyTarget& target) {
  if (finished_ || mode_ == Mode::Collect || mode_ == Mode::Pipe) {
    target.breakBody({ErrorCode::Aborted, "the body was read already"});
    return;
  }
  mode_ = Mode::Pipe;
  owner_.pin();
  target_ = &target;
  target_->setFeeder(this);
  start();
  pump();
}

void InboundBody::cancel() {
  if (mode_ != Mode::Pipe) retire();
}

std::optional<Bytes> InboundBody::takeWhole() {
  if (mode_ != Mode::Held || !ended_ || error_) return std::nullopt;
  Bytes whole = joinQueue();
  retire();
  return whole;
}

void InboundBody::onTargetGone(const Error& error) {
  target_ = nullptr;
  retire();
}

void InboundBody::pump() {
  if (finished_) return;
  switch (mode_) {
    case Mode::Held:
      return;
    case Mode::Script:
      return pumpToScript();
    case Mode::Collect:
      return pumpToCollector();
    case Mode::Pipe:
      return pumpToTarget();
  }
}

void InboundBody::pumpToScript() {
  while (credit_ > 0 && !queue_.empty()) {
    Bytes& front = queue_.front();
    Bytes piece = front.slice(0, std::min<std::uint64_t>(credit_, front.size()));
    front.removePrefix(piece.size());
    if (front.empty()) queue_.pop_front();
    credit_ -= piece.size();
    queuedBytes_ -= piece.size();
    if (source_ != nullptr) source_->bodyConsumed(piece.size());
    owner_.post(host::BodyChunk{id_, std::move(piece), invocation_});
  }
  if (queue_.empty() && ended_) {
    owner_.post(host::BodyEnd{id_, std::move(error_), invocation_});
    retire();
  }
}

void InboundBody::pumpToCollector() {
  if (error_) return answerCollector(*std::move(error_));
  if (queuedBytes_ > collectBytesMax_) {
    return answerCollector(
        Error{ErrorCode::TooLarge,
              "the body exceeds the limit of " + std::to_string(collectBytesMax_) + " bytes"});
  }
  if (ended_) return answerCollector(joinQueue());
  // What is queued is counted above, so the source may send on.
  const std::uint64_t before = std::exchange(collectedBytes_, queuedBytes_);
  if (source_ != nullptr && queuedBytes_ > before) source_->bodyConsumed(queuedBytes_ - before);
}

void InboundBody::answerCollector(host::OpValue value) {
  owner_.post(host::OpDone{collectOp_, std::move(value), invocation_});
  retire();
}

Bytes InboundBody::joinQueue() {
  if (queue_.empty()) return {};
  if (queue_.size() == 1) return std::move(queue_.front());
  std::string whole;
  whole.reserve(queuedBytes_);
  for (const Bytes& piece : queue_) whole += piece.view();
  return Bytes(std::move(whole));
}

void InboundBody::pumpToTarget() {
  while (!queue_.empty() && target_->bufferedBody() < http::Exchange::kHighWaterBytes) {
    Bytes piece = std::move(queue_.front());
    queue_.pop_front();
    const std::size_t size = piece.size();
    queuedBytes_ -= size;
    target_->writeBody(std::move(piece));
    if (finished_) return;  // The write found the target gone.
    if (source_ != nullptr) source_->bodyConsumed(size);
  }
  if (!queue_.empty() || !ended_) return;
  BodyTarget& target = *std::exchange(target_, nullptr);
  target.setFeeder(nullptr);
  if (error_) {
    target.breakBody(*error_);
  } else {
    target.endBody();
  }
  retire();
}

void InboundBody::retire() {
  if (std::exchange(finished_, true)) return;
  if (mode_ == Mode::Pipe) owner_.unpin();
  queue_.clear();
  if (BodySource* const source = std::exchange(source_, nullptr)) source->cancelBody();
  owner_.retire(*this);
}

OutboundBody::OutboundBody(BodyOwner& owner, host::BodyId id, BodyTarget& target,
                           host::InvocationId invocation)
    : owner_(owner), id_(id), invocation_(invocation), target_(&target) {
  target_->setFeeder(this);
}

OutboundBody::~OutboundBody() {
  if (target_ == nullptr) return;
  target_->setFeeder(nullptr);
  target_->breakBody({ErrorCode::Aborted, "the body's script is gone"});
}

void OutboundBody::write(Bytes bytes) {
  if (target_ == nullptr || bytes.empty()) return;
  if (target_->bufferedBody() > kBufferedBytesMax) {
    BodyTarget* const target = std::exchange(target_, nullptr);
    const Error tooMuch{ErrorCode::TooLarge, "too much was written without waiting for the reader"};
    target->setFeeder(nullptr);
    target->breakBody(tooMuch);
    return onTargetGone(tooMuch);
  }
  unacknowledged_ += bytes.size();
  target_->writeBody(std::move(bytes));
}

void OutboundBody::close(std::optional<Error> error) {
  if (BodyTarget* const target = std::exchange(target_, nullptr)) {
    target->setFeeder(nullptr);
    if (error) {
      target->breakBody(*error);
    } else {
      target->endBody();
    }
  }
  retire();
}

void OutboundBody::acknowledge() {
  if (!awaited() || target_->bufferedBody() >= window_) return;
  owner_.post(host::BodyAccepted{id_, std::exchange(unacknowledged_, 0), invocation_});
}

void OutboundBody::onTargetDrained() {
  const bool keepsUp = target_ != nullptr && target_->bufferedBody() == 0;
  // No less than the low-water mark: below it no draining would be noticed.
  window_ = keepsUp ? std::min(2 * window_, http::Exchange::kHighWaterBytes)
                    : http::Exchange::kLowWaterBytes;
  acknowledge();
}

void OutboundBody::onTargetGone(const Error& error) {
  target_ = nullptr;
  owner_.post(host::BodyGone{id_, error, invocation_});
  retire();
}

void OutboundBody::retire() { owner_.retire(*this); }

}  // namespace atolld::dispatch
