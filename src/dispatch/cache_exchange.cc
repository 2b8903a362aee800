#include "dispatch/cache_exchange.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "dispatch/dispatcher.h"
#include "dispatch/worker_state.h"
#include "isolate/cache_question.h"
#include "store/codec.h"

namespace atolld::dispatch {

namespace host = isolate::host;

namespace {

constexpr std::size_t kPieceBytes = store::CacheStore::kPieceBytes;

std::string encodeMeta(const CacheQuestion& question) {
  store::Encoder encoder;
  encoder.u32(static_cast<std::uint32_t>(question.status));
  encoder.u32(static_cast<std::uint32_t>(question.response.size()));
  for (const auto field : question.response) encoder.bytes(field.name).bytes(field.value);
  return encoder.take();
}

/// Rows of ours, which a damaged disk may still have changed.
std::optional<http::ResponseHead> decodeMeta(std::string_view meta) {
  store::Decoder decoder(meta);
  http::ResponseHead head;
  head.status = static_cast<int>(decoder.u32());
  if (head.status < 200 || head.status > 599) return std::nullopt;
  for (std::uint32_t left = decoder.count(8); left > 0; --left) {
    const std::string_view name = decoder.bytes(), value = decoder.bytes();
    head.headers.add(name, value);
  }
  if (!decoder.finish("a cached head")) return std::nullopt;
  return head;
}

/// Fills in what the answer adds to or takes from the stored head.
void applyAnswer(http::ResponseHead& head, const CacheAnswer& answer,
                 const store::CacheEntry& entry, UnixMillis now) {
  const auto age = std::chrono::floor<std::chrono::seconds>(now - entry.stored).count();
  head.headers.set("age", std::to_string(std::max<std::int64_t>(age, 0)));
  head.headers.set("cf-cache-status", "HIT");
  head.status = answer.status;
  const std::string whole = std::to_string(entry.bodyBytes);
  if (answer.status == 206) {
    head.headers.set("content-range", "bytes " + std::to_string(answer.range->first) + "-" +
                                          std::to_string(answer.range->last) + "/" + whole);
    head.headers.set("content-length",
                     std::to_string(answer.range->last - answer.range->first + 1));
  } else if (answer.status == 416) {
    head.headers.set("content-range", "bytes */" + whole);
    head.headers.remove("content-length");
  }
}

/// The part of piece `index` that lies in the range.
std::string_view partOf(std::string_view piece, std::uint64_t index, const ByteRange& range) {
  const std::uint64_t start = index * kPieceBytes;
  const std::uint64_t from = std::max(range.first, start) - start;
  const std::uint64_t to = std::min(range.last, start + kPieceBytes - 1) - start + 1;
  if (from >= piece.size()) return {};
  return piece.substr(from, to - from);
}

/// False if the body went meanwhile.
Result<bool> addBody(store::CacheStore& cache, const store::CacheEntry& entry, CacheHit& hit) {
  if (entry.bodyBytes == 0) {
    hit.bytes.emplace();
    return true;
  }
  if (!cache.pin(entry.id)) return false;
  hit.pin = std::make_shared<CachePin>(cache, entry.id);
  const std::uint64_t index = hit.range.first / kPieceBytes;
  if (index != hit.range.last / kPieceBytes) return true;
  ATOLL_TRY(const std::string piece, cache.read(entry.id, static_cast<std::uint32_t>(index)));
  hit.bytes = Bytes::copyOf(partOf(piece, index, hit.range));
  return true;
}

}  // namespace

CacheQuestion takeCacheQuestion(const http::RequestHead& head, std::string_view tenant) {
  CacheQuestion question{.tenant = std::string(tenant)};
  question.key = head.authority + '\0' + head.target;
  for (const auto field : head.headers) {
    if (field.name == host::kStatusField) {
      std::from_chars(field.value.data(), field.value.data() + field.value.size(), question.status);
    } else if (field.name.starts_with(host::kRequestMark)) {
      question.request.add(field.name.substr(1), field.value);
    } else {
      question.response.add(field.name, field.value);
    }
  }
  return question;
}

Result<std::optional<CacheHit>> findInCache(store::CacheStore& cache, const CacheQuestion& question,
                                            UnixMillis now) {
  ATOLL_TRY(const std::vector<store::CacheEntry> entries,
            cache.find(question.tenant, question.key));
  for (const store::CacheEntry& entry : entries) {
    auto head = decodeMeta(entry.meta);
    if (!head || !suitsVariant(entry.variant, head->headers, question.request)) continue;
    const CacheAnswer answer =
        answerFromCache(head->status, head->headers, entry.bodyBytes, question.request);
    CacheHit hit{.head = *std::move(head)};
    applyAnswer(hit.head, answer, entry, now);
    if (answer.status == 304 || answer.status == 416) return hit;
    hit.range = answer.range.value_or(ByteRange{0, entry.bodyBytes == 0 ? 0 : entry.bodyBytes - 1});
    ATOLL_TRY(const bool there, addBody(cache, entry, hit));
    if (there) return hit;
  }
  return std::nullopt;
}

Result<> putIntoCache(store::CacheStore& cache, const CacheQuestion& question,
                      std::chrono::seconds lifetime, std::string_view body, UnixMillis now) {
  store::CacheStore::Writer writer(cache, question.tenant);
  for (; !body.empty(); body.remove_prefix(std::min(kPieceBytes, body.size()))) {
    ATOLL_TRY_VOID(writer.append(body.substr(0, kPieceBytes)));
  }
  return writer.commit(question.key, cacheVariant(question.response, question.request),
                       encodeMeta(question), now + lifetime);
}

// ---- reading ------------------------------------------------------------------------------------

CacheRead::CacheRead(Dispatcher& dispatcher, store::CacheStore& cache,
                     std::shared_ptr<CachePin> pin, ByteRange range)
    : dispatcher_(dispatcher),
      cache_(cache),
      pin_(std::move(pin)),
      range_(range),
      next_(range.first) {}

void CacheRead::attach(InboundBody& body) {
  body_ = &body;
  self_ = shared_from_this();
}

void CacheRead::startBody() {
  if (!reading_ && next_ == range_.first) readNext();
}

void CacheRead::bodyConsumed(std::size_t bytes) {
  unread_ -= std::min<std::uint64_t>(bytes, unread_);
  if (!reading_ && unread_ < kPieceBytes && next_ <= range_.last) readNext();
}

void CacheRead::cancelBody() {
  body_ = nullptr;
  const std::shared_ptr<CacheRead> last = std::move(self_);  // May be the last that holds it.
}

void CacheRead::readNext() {
  reading_ = true;
  const auto index = static_cast<std::uint32_t>(next_ / kPieceBytes);
  dispatcher_.runOn(
      dispatcher_.node_.storage,
      [&cache = cache_, pin = pin_, index] { return cache.read(pin->id(), index); },
      [self = shared_from_this()](Result<std::string> piece) { self->onPiece(std::move(piece)); });
}

void CacheRead::onPiece(Result<std::string> piece) {
  reading_ = false;
  if (body_ == nullptr) return;
  const std::shared_ptr<CacheRead> keep = shared_from_this();
  const std::uint64_t index = next_ / kPieceBytes;
  const std::string_view part = piece ? partOf(*piece, index, range_) : std::string_view();
  if (part.empty()) {
    self_.reset();
    std::exchange(body_, nullptr)
        ->breakOff(piece ? Error{ErrorCode::Corrupt, "the cached body is incomplete"}
                         : piece.error());
    return;
  }
  next_ = (index + 1) * kPieceBytes;
  unread_ += part.size();
  const bool last = next_ > range_.last;
  if (!last) {
    body_->receive(Bytes::copyOf(part));
    if (body_ != nullptr && !reading_ && unread_ < kPieceBytes) readNext();
    return;
  }
  self_.reset();
  InboundBody& body = *body_;
  body.receive(Bytes::copyOf(part));
  // Receiving may have ended it.
  if (InboundBody* const rest = std::exchange(body_, nullptr)) rest->finish();
}

// ---- writing ------------------------------------------------------------------------------------

CacheWrite::CacheWrite(Dispatcher& dispatcher, store::CacheStore& cache, CacheQuestion question,
                       std::chrono::seconds lifetime, std::uint64_t worker, host::OpId op)
    : dispatcher_(dispatcher),
      cache_(cache),
      question_(std::move(question)),
      lifetime_(lifetime),
      worker_(worker),
      op_(op),
      writer_(std::make_shared<store::CacheStore::Writer>(cache, question_.tenant)) {}

void CacheWrite::writeBody(Bytes bytes) {
  if (finished_) return;
  buffer_ += bytes.view();
  if (buffer_.size() >= kPieceBytes) writeNext();
}

void CacheWrite::endBody() {
  feeder_ = nullptr;
  if (finished_ || std::exchange(ended_, true)) return;
  writeNext();
}

void CacheWrite::breakBody(const Error& error) {
  feeder_ = nullptr;
  if (ended_) return;
  finish(std::unexpected(error));
}

void CacheWrite::writeNext() {
  if (writing_ || finished_) return;
  const bool last = ended_ && buffer_.size() <= kPieceBytes;
  if (!last && buffer_.size() < kPieceBytes) return;
  std::string piece = buffer_.substr(0, kPieceBytes);
  buffer_.erase(0, piece.size());
  writing_ = true;
  writingBytes_ = piece.size();
  const auto write = [writer = writer_, piece = std::move(piece), last,
                      question = last ? question_ : CacheQuestion(), lifetime = lifetime_,
                      now = cache_.now()]() -> Result<> {
    if (!piece.empty()) ATOLL_TRY_VOID(writer->append(piece));
    if (!last) return {};
    return writer->commit(question.key, cacheVariant(question.response, question.request),
                          encodeMeta(question), now + lifetime);
  };
  dispatcher_.runOn(
      dispatcher_.node_.storage, write,
      [self = shared_from_this(), last](const Result<>& ok) { self->onWritten(ok, last); });
}

void CacheWrite::onWritten(const Result<>& ok, bool committed) {
  writing_ = false;
  writingBytes_ = 0;
  if (finished_) return;
  if (!ok || committed) return finish(ok);
  writeNext();
  if (feeder_ != nullptr) feeder_->onTargetDrained();
}

void CacheWrite::finish(const Result<>& ok) {
  if (std::exchange(finished_, true)) return;
  const std::shared_ptr<CacheWrite> last = std::move(self_);
  writer_.reset();
  buffer_.clear();
  if (BodyFeeder* const feeder = std::exchange(feeder_, nullptr)) {
    feeder->onTargetGone(ok ? Error{ErrorCode::Aborted, "the body is stored"} : ok.error());
  }
  WorkerState* const worker = dispatcher_.findWorker(worker_);
  if (worker == nullptr) return;
  // What is too large is not stored, and that is all.
  const bool failed = !ok && ok.error().code != ErrorCode::TooLarge;
  worker->finishOp(op_, failed ? host::OpValue(ok.error()) : host::OpValue());
}

}  // namespace atolld::dispatch
