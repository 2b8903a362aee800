#include "dispatch/asset_answer.h"

#include <algorithm>
#include <utility>

#include "base/encoding.h"
#include "dispatch/dispatcher.h"
#include "telemetry/log.h"

namespace atolld::dispatch {

namespace host = isolate::host;

namespace {

using Kind = assets::Site::Answer::Kind;

constexpr std::size_t kPieceBytes = deploy::Registry::kAssetPieceBytes;
constexpr std::size_t kTagBytes = 16;

void respondWithout(Invocation& invocation, http::ResponseHead head) {
  host::Body none = host::NoBody{};
  invocation.respond(std::move(head), none);
}

std::string_view trimmed(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(" \t"), text.size()));
  return text.substr(0, text.find_last_not_of(" \t") + 1);
}

/// Whether Accept-Encoding names a coding, and not with the weight nought.
bool accepts(const http::HeaderList& request, std::string_view coding) {
  for (const auto field : request) {
    if (field.name != "accept-encoding") continue;
    for (std::string_view rest = field.value; !rest.empty();) {
      const std::string_view item = rest.substr(0, rest.find(','));
      rest.remove_prefix(std::min(item.size() + 1, rest.size()));
      const std::size_t semicolon = std::min(item.find(';'), item.size());
      if (!equalsIgnoringCase(trimmed(item.substr(0, semicolon)), coding)) continue;
      const std::string_view weight = trimmed(item.substr(std::min(semicolon + 1, item.size())));
      const bool isNought =
          weight.starts_with("q=0") && weight.find_first_not_of("0.", 2) == weight.npos;
      return !isNought;
    }
  }
  return false;
}

http::ResponseHead headOf(const assets::Asset& file, const assets::Asset& copy,
                          const http::HeaderList& request) {
  http::ResponseHead head;
  if (!file.contentType.empty()) head.headers.add("content-type", file.contentType);
  head.headers.add("etag", "\"" + toHex(std::string_view(copy.hash).substr(0, kTagBytes)) + "\"");
  if (!request.find("authorization") && !request.find("range")) {
    head.headers.add("cache-control", "public, max-age=0, must-revalidate");
  }
  if (file.brotli != nullptr || file.gzip != nullptr) head.headers.add("vary", "accept-encoding");
  if (&copy != &file) {
    head.headers.add("content-encoding", &copy == file.brotli ? "br" : "gzip");
  }
  return head;
}

void answerWithFile(Dispatcher& dispatcher, Invocation& invocation, const assets::Site& site,
                    const assets::Site::Answer& answer) {
  const http::RequestHead& request = *invocation.head();
  const assets::Asset& copy = chooseCopy(*answer.file, request.headers);
  http::ResponseHead head = headOf(*answer.file, copy, request.headers);
  const CacheAnswer says =
      answerFromCache(answer.status, head.headers, copy.sizeBytes, request.headers);
  const assets::HeaderRules::Changes changes = site.headersFor(request.authority, request.target);
  for (const std::string& name : changes.unset) head.headers.remove(name);
  for (const auto& [name, value] : changes.set) head.headers.set(name, value);
  head.status = says.status;
  const std::string whole = std::to_string(copy.sizeBytes);
  if (says.status == 304 || says.status == 416) {
    if (says.status == 416) head.headers.set("content-range", "bytes */" + whole);
    return respondWithout(invocation, std::move(head));
  }
  const bool isHead = request.method == "HEAD";
  if (isHead || copy.sizeBytes == 0) {
    host::Body body =
        isHead ? host::Body(host::BodyRef{.id = 0, .length = copy.sizeBytes}) : host::Body(Bytes());
    if (says.range) head.status = answer.status;  // A range is of GET only.
    invocation.respond(std::move(head), body);
    return;
  }
  const ByteRange range = says.range.value_or(ByteRange{0, copy.sizeBytes - 1});
  if (says.range) {
    head.headers.set("content-range", "bytes " + std::to_string(range.first) + "-" +
                                          std::to_string(range.last) + "/" + whole);
  }
  AssetRead::start(dispatcher, invocation, std::move(head), copy.hash, range);
}

}  // namespace

const assets::Asset& chooseCopy(const assets::Asset& file, const http::HeaderList& request) {
  if (request.find("range")) return file;  // Of what bytes a part is must not change.
  if (file.brotli != nullptr && accepts(request, "br")) return *file.brotli;
  if (file.gzip != nullptr && accepts(request, "gzip")) return *file.gzip;
  return file;
}

void answerFromSite(Dispatcher& dispatcher, Invocation& invocation, const assets::Site& site,
                    const assets::Site::Answer& answer) {
  http::ResponseHead head;
  switch (answer.kind) {
    case Kind::None:
      head.status = 404;
      return respondWithout(invocation, std::move(head));
    case Kind::Redirect:
      head.status = answer.status;
      head.headers.add("location", answer.location);
      return respondWithout(invocation, std::move(head));
    case Kind::File:
      break;
  }
  const std::string& method = invocation.head()->method;
  if (method != "GET" && method != "HEAD") {
    head.status = 405;
    head.headers.add("allow", "GET, HEAD");
    return respondWithout(invocation, std::move(head));
  }
  answerWithFile(dispatcher, invocation, site, answer);
}

// ---- AssetRead ----------------------------------------------------------------------------------

AssetRead::AssetRead(Dispatcher& dispatcher, Invocation& target, http::ResponseHead head,
                     std::string hash, ByteRange range)
    : dispatcher_(dispatcher),
      target_(&target),
      head_(std::move(head)),
      hash_(std::move(hash)),
      range_(range),
      next_(range.first) {}

void AssetRead::start(Dispatcher& dispatcher, Invocation& target, http::ResponseHead head,
                      std::string hash, ByteRange range) {
  const std::shared_ptr<AssetRead> made(
      new AssetRead(dispatcher, target, std::move(head), std::move(hash), range));
  made->self_ = made;
  target.setFeeder(made.get());
  made->turn();
}

void AssetRead::onTargetGone(const Error&) {
  target_ = nullptr;
  const std::shared_ptr<AssetRead> last = std::move(self_);  // A read under way has its own.
}

void AssetRead::turn() {
  const std::shared_ptr<AssetRead> keep = shared_from_this();
  deploy::AssetCache& cache = dispatcher_.assetCache();
  while (target_ != nullptr && !reading_) {
    if (next_ > range_.last) return finish();
    if (target_->bufferedBody() >= http::Exchange::kHighWaterBytes) return;
    const auto index = static_cast<std::uint32_t>(next_ / kPieceBytes);
    if (const auto piece = cache.find(hash_, index)) {
      give(*piece);
      continue;
    }
    reading_ = true;
    dispatcher_.loadAsset(hash_, index, [keep](Result<Bytes> piece) {
      keep->reading_ = false;
      if (keep->target_ == nullptr) return;
      if (piece) {
        keep->give(*piece);
        return keep->turn();
      }
      telemetry::log(telemetry::Level::Error, "asset_unreadable",
                     {{"hash", toHex(keep->hash_)}, {"error", piece.error().detail}});
      Invocation& target = *std::exchange(keep->target_, nullptr);
      keep->self_.reset();
      target.setFeeder(nullptr);
      target.fail(Refusal::Internal);
    });
  }
}

void AssetRead::give(const Bytes& piece) {
  const std::uint64_t start = next_ / kPieceBytes * kPieceBytes;
  const std::uint64_t end = std::min<std::uint64_t>(range_.last + 1, start + piece.size());
  if (end <= next_) return finish();  // A piece that is too short: a damaged store.
  Bytes part = piece.slice(next_ - start, end - next_);
  next_ = end;
  if (!head_) return target_->writeBody(std::move(part));
  http::ResponseHead head = *std::exchange(head_, std::nullopt);
  const std::uint64_t length = range_.last - range_.first + 1;
  if (part.size() == length) {
    Invocation& target = *std::exchange(target_, nullptr);
    self_.reset();
    target.setFeeder(nullptr);
    host::Body body = std::move(part);
    target.respond(std::move(head), body);
    return;
  }
  host::Body body = host::BodyRef{.id = 0, .length = length};
  target_->respond(std::move(head), body);
  target_->writeBody(std::move(part));
}

void AssetRead::finish() {
  Invocation& target = *std::exchange(target_, nullptr);
  self_.reset();
  target.setFeeder(nullptr);
  if (next_ > range_.last) return target.endBody();
  target.breakBody({ErrorCode::Corrupt, "a static file is shorter than its listing says"});
}

}  // namespace atolld::dispatch
