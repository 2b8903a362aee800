#include "replication/fleet_server.h"

#include <algorithm>
#include <charconv>
#include <fstream>

#include "base/check.h"
#include "base/encoding.h"
#include "replication/fleet_session.h"
#include "store/crypto.h"
#include "store/log_entry.h"
#include "telemetry/log.h"

namespace atolld::replication {
namespace {

constexpr std::size_t kChunkBytesMax = 256 * 1024;
constexpr std::size_t kFilePieceBytes = 1024 * 1024;
constexpr std::size_t kThreadCount = 2;
/// Writes of edges wait in commit(), and as many as wait share a sync.
constexpr std::size_t kCallThreadCount = 64;
constexpr std::chrono::seconds kBeatInterval{1};
constexpr std::uint32_t kNodesBit = 1u << static_cast<unsigned>(store::Family::Nodes);

int statusOf(ErrorCode code) {
  switch (code) {
    case ErrorCode::InvalidArgument:
    case ErrorCode::Protocol:
      return 400;
    case ErrorCode::Unauthorized:
      return 401;
    case ErrorCode::Forbidden:
      return 403;
    case ErrorCode::NotFound:
      return 404;
    case ErrorCode::AlreadyExists:
    case ErrorCode::Aborted:
      return 409;
    case ErrorCode::TooLarge:
      return 413;
    case ErrorCode::Overloaded:
    case ErrorCode::Unavailable:
      return 503;
    default:
      return 500;
  }
}

/// The value of `name` in "a=b&c=d": hex digits and numbers only, so nothing is escaped.
std::string_view parameter(std::string_view query, std::string_view name) {
  while (!query.empty()) {
    const std::string_view pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(pair.size() + 1, query.size()));
    const std::size_t equals = std::min(pair.find('='), pair.size());
    if (pair.substr(0, equals) == name) return pair.substr(std::min(equals + 1, pair.size()));
  }
  return {};
}

std::optional<std::uint64_t> parseNumber(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<store::Position> parsePosition(std::string_view query) {
  const auto index = parseNumber(parameter(query, "index"));
  auto history = parseHex(parameter(query, "history"));
  auto hash = parseHex(parameter(query, "hash"));
  if (!index || !history || history->size() != store::kHistoryBytes || !hash ||
      hash->size() != store::kHashBytes) {
    return std::nullopt;
  }
  return store::Position{.history = *std::move(history), .index = *index, .hash = *std::move(hash)};
}

}  // namespace

void FleetServer::Session::answer(const Result<std::string>& result) {
  if (!open()) return;
  answered_ = true;
  http::ResponseHead head;
  head.status = result ? 200 : statusOf(result.error().code);
  if (!result) head.headers.add("atoll-error", errorCodeName(result.error().code));
  head.headers.add("content-type",
                   result ? "application/octet-stream" : "text/plain; charset=utf-8");
  head.body = http::BodyKind::Length;
  // What failed inside stays inside, as everywhere.
  std::string text = result ? *result : result.error().detail;
  if (head.status == 500) {
    telemetry::log(telemetry::Level::Error, "fleet_call_failed",
                   {{"node", std::string_view(caller_.name)}, {"error", std::string_view(text)}});
    text = "the control plane failed: its log says why";
  }
  head.contentLength = text.size();
  exchange_->respond(head, Bytes(std::move(text)));
}

void FleetServer::Session::beginStream() {
  answered_ = true;
  http::ResponseHead head;
  head.headers.add("content-type", "application/octet-stream");
  head.body = http::BodyKind::Unknown;
  exchange_->respondHead(head);
}

/// Answers in one piece, after the whole body has come.
class FleetServer::CallSession final : public FleetServer::Session {
 public:
  CallSession(FleetServer& server, http::Exchange& exchange, Caller caller, const FleetCall& call,
              bool hasBody)
      : Session(server, exchange, std::move(caller)), call_(call), hasBody_(hasBody) {}

  void start() override {
    if (call_.public_) return receive();
    // Before a byte of the body is read: who has no business here cannot make us hold one.
    server_.onPool([&server = server_, caller = caller_] { return server.authorize(caller); },
                   [self = shared_from_this(), this](const Result<>& allowed) {
                     if (!open()) return;
                     if (allowed) return receive();
                     answer(std::unexpected(allowed.error()));
                   });
  }
  void onBody(Bytes chunk) override {
    if (!open()) return;
    if (body_.size() + chunk.size() > call_.bodyBytesMax) {
      return answer(fail(ErrorCode::TooLarge, "the request is too large"));
    }
    body_.append(chunk.view());
    exchange_->consumed(chunk.size());
  }
  void onBodyEnd(http::HeaderList) override { run(); }

 private:
  void receive() {
    if (hasBody_) return exchange_->startBody();
    run();
  }
  void run() {
    if (!open()) return;
    server_.on(
        *server_.calls_,
        [&call = call_, caller = caller_, body = std::move(body_)] {
          return call.run(caller, body);
        },
        [self = shared_from_this(), this](const Result<std::string>& result) { answer(result); });
  }

  const FleetCall& call_;
  const bool hasBody_;
  std::string body_;
};

/// A checkpoint's file, from some offset on.
class FleetServer::FileSession final : public FleetServer::Session {
 public:
  FileSession(FleetServer& server, http::Exchange& exchange, Caller caller, std::string id,
              std::string file, std::uint64_t offset)
      : Session(server, exchange, std::move(caller)),
        id_(std::move(id)),
        file_(std::move(file)),
        offset_(offset) {}

  void start() override {
    server_.onPool(
        [&server = server_, caller = caller_, id = id_, file = file_]() -> Result<std::string> {
          ATOLL_TRY_VOID(server.authorize(caller));
          return server.checkpoints_.find(id, file);
        },
        [self = shared_from_this(), this](Result<std::string> path) {
          if (!open()) return;
          if (!path) return answer(std::unexpected(path.error()));
          path_ = *std::move(path);
          beginStream();
          read();
        });
  }
  void onDrained() override { read(); }

 private:
  void read() {
    if (exchange_ == nullptr || ended_ || std::exchange(reading_, true)) return;
    server_.onPool(
        [path = path_, offset = offset_]() -> Result<std::string> {
          std::ifstream file(path, std::ios::binary);
          file.seekg(static_cast<std::streamoff>(offset));
          std::string piece(kFilePieceBytes, '\0');
          file.read(piece.data(), static_cast<std::streamsize>(piece.size()));
          if (!file && !file.eof()) return fail(ErrorCode::Io, path + ": cannot be read");
          piece.resize(static_cast<std::size_t>(file.gcount()));
          return piece;
        },
        [self = shared_from_this(), this](Result<std::string> piece) {
          reading_ = false;
          if (exchange_ == nullptr) return;
          if (!piece) return cut();
          if (piece->empty()) {
            ended_ = true;
            return exchange_->end();
          }
          offset_ += piece->size();
          exchange_->write(Bytes(*std::move(piece)));
          if (exchange_->bufferedBytes() < http::Exchange::kHighWaterBytes) read();
        });
  }

  const std::string id_, file_;
  std::string path_;
  std::uint64_t offset_;
  bool reading_ = false;
  bool ended_ = false;
};

// ---- a follower's stream ----

void LogStream::start() {
  struct Found {
    Verdict verdict;
    store::Position head;
  };
  server_.onPool(
      [&server = server_, caller = caller_, asked = asked_]() -> Result<Found> {
        ATOLL_TRY_VOID(server.authorize(caller));
        const store::Position head = server.database_.position();
        ATOLL_TRY(const auto fromFirst, server.database_.hashAt(0));
        ATOLL_TRY(const auto hash, server.database_.hashAt(asked.index));
        const std::uint64_t base = fromFirst ? 0 : 1;  // All that matters: whether it is whole.
        return Found{judge(head, base, asked, hash), head};
      },
      [self = shared_from_this(), this](const Result<Found>& found) {
        if (!open()) return;
        if (!found) return answer(std::unexpected(found.error()));
        greet(found->verdict, found->head);
      });
}

void LogStream::greet(Verdict verdict, const store::Position& head) {
  beginStream();
  exchange_->write(Bytes(helloFrame({.verdict = verdict,
                                     .isRoot = server_.options_.isRoot,
                                     .age = server_.options_.age(),
                                     .head = head})));
  telemetry::log(telemetry::Level::Info, "follower",
                 {{"node", std::string_view(caller_.name)},
                  {"index", static_cast<std::int64_t>(asked_.index)},
                  {"verdict", static_cast<std::int64_t>(verdict)}});
  if (verdict != Verdict::Follow) return exchange_->end();
  following_ = true;
  history_ = head.history;
  // The letter that tells of the newest entries may still be on its way.
  store::Position& known = server_.head_;
  if (known.history == head.history && known.index < head.index) known = head;
  next_ = asked_.index + 1;
  server_.streams_.push_back(this);
  pump();
}

void LogStream::closed() {
  std::erase(server_.streams_, this);
  server_.tellPacer();
}

void LogStream::pump() {
  if (exchange_ == nullptr || !following_ || reading_) return;
  const store::Position& head = server_.head_;
  if (head.history != history_ || head.index + 1 < next_) return cut();  // Replaced under us.
  if (next_ > head.index || exchange_->bufferedBytes() >= http::Exchange::kHighWaterBytes) return;
  reading_ = true;
  server_.readFrom(next_, *this);
}

void LogStream::onChunk(const FleetServer::Chunk& chunk) {
  reading_ = false;
  if (exchange_ == nullptr) return;
  if (!chunk) return cut();  // Trimmed since: its next greeting says so.
  exchange_->write(chunk->first);
  next_ = chunk->second;
  server_.tellPacer();
  pump();
}

void LogStream::sendNews() {
  if (exchange_ == nullptr || !following_) return;
  exchange_->write(
      Bytes(newsFrame({.headIndex = server_.head_.index, .age = server_.options_.age()})));
}

// ---- the server ----

FleetServer::FleetServer(loop::Loop& loop, store::Database& database, FleetServerOptions options)
    : loop_(loop),
      database_(database),
      nodes_(database),
      options_(std::move(options)),
      checkpoints_(database, options_.checkpointDirectory),
      head_(database.position()),
      beatTimer_(loop),
      mailbox_(loop),
      calls_(std::make_unique<loop::ThreadPool>("fleet-call", kCallThreadCount)),
      pool_(std::make_unique<loop::ThreadPool>("fleet", kThreadCount)) {
  options_.calls.emplace(
      "/fleet/v1/checkpoint",
      FleetCall{.bodyBytesMax = 64,
                .run = [this](const Caller&, std::string_view id) -> Result<std::string> {
                  ATOLL_TRY(const Manifest manifest, checkpoints_.offer(id));
                  return manifest.toText();
                }});
  beatTimer_.start(kBeatInterval, [this] { beat(); });
}

FleetServer::~FleetServer() {
  loop_.checkThread();
  ATOLL_CHECK(sessions_.empty());
  pacer_.close();
  calls_.reset();
  pool_.reset();
}

void FleetServer::onRequest(http::Exchange& exchange, std::unique_ptr<http::RequestHead> head) {
  loop_.checkThread();
  Caller caller{.name = head->connection->certificateName,
                .keyHash = head->connection->certificateKeyHash};
  const std::string_view target = head->target;
  const std::string_view path = target.substr(0, target.find('?'));
  const std::string_view query = target.substr(std::min(path.size() + 1, target.size()));
  std::shared_ptr<Session> session;
  static const FleetCall kUnknown{
      .public_ = true, .bodyBytesMax = 0, .run = [](const Caller&, std::string_view) {
        return Result<std::string>(fail(ErrorCode::NotFound, "there is nothing at this path"));
      }};
  const FleetCall* call = &kUnknown;
  if (path == "/fleet/v1/log") {
    if (auto asked = parsePosition(query)) {
      session = std::make_shared<LogStream>(*this, exchange, std::move(caller), *std::move(asked));
    }
  } else if (path == "/fleet/v1/checkpoint/file") {
    if (const auto offset = parseNumber(parameter(query, "offset"))) {
      session = std::make_shared<FileSession>(*this, exchange, std::move(caller),
                                              std::string(parameter(query, "id")),
                                              std::string(parameter(query, "name")), *offset);
    }
  } else if (const auto found = options_.calls.find(path); found != options_.calls.end()) {
    call = &found->second;
  }
  if (!session) {
    session = std::make_shared<CallSession>(*this, exchange, std::move(caller), *call,
                                            head->body != http::BodyKind::None);
  }
  sessions_.emplace(session.get(), session);
  exchange.setSink(*session);
  session->start();
}

Result<> FleetServer::authorize(const Caller& caller) const {
  if (caller.name.empty()) {
    return fail(ErrorCode::Unauthorized, "show a node's certificate: atolld edge --join gains one");
  }
  ATOLL_TRY(const auto node, nodes_.find(caller.name));
  if (!node || node->keyHash != caller.keyHash) {
    return fail(ErrorCode::Forbidden, "the node \"" + caller.name +
                                          "\" was removed, or its certificate replaced: it has to "
                                          "join again");
  }
  return {};
}

void FleetServer::readFrom(std::uint64_t index, LogStream& stream) {
  auto& waiting = reads_[index];
  waiting.push_back(std::static_pointer_cast<LogStream>(stream.shared_from_this()));
  if (waiting.size() > 1) return;
  onPool(
      [&database = database_, index]() -> Chunk {
        std::string frames;
        std::uint64_t next = index;
        ATOLL_TRY_VOID(database.readLog(index, [&](std::uint64_t at, std::string_view row) {
          appendEntryFrame(frames, row);
          next = at + 1;
          return frames.size() < kChunkBytesMax;
        }));
        return std::pair(Bytes(std::move(frames)), next);
      },
      [this, index](const Chunk& chunk) {
        auto found = reads_.extract(index);
        for (const auto& each : found.mapped()) {
          if (const auto alive = each.lock()) alive->onChunk(chunk);
        }
      });
}

void FleetServer::onCommitted(std::uint32_t familyBits) {
  committedFamilies_.fetch_or(familyBits);
  if (tellPosted_.exchange(true)) return;
  mailbox_.post([this] {
    tellPosted_ = false;
    tell();
  });
}

void FleetServer::tell() {
  head_ = database_.position();
  if ((committedFamilies_.exchange(0) & kNodesBit) != 0) checkNodes();
  for (LogStream* const stream : std::vector(streams_)) {
    if (std::ranges::contains(streams_, stream)) stream->pump();
  }
  tellPacer();
}

void FleetServer::tellPacer() {
  std::vector<StreamPlace> places;
  for (const LogStream* const stream : streams_) places.push_back({stream->next()});
  pacer_.onSent(sentToAll(places, head_.index));
}

/// Streams of nodes that were removed end.
void FleetServer::checkNodes() {
  onPool([this] { return nodes_.list(); },
         [this](const Result<std::vector<store::FleetNode>>& nodes) {
           if (!nodes) return;
           for (LogStream* const stream : std::vector(streams_)) {
             const auto node =
                 std::ranges::find(*nodes, stream->caller().name, &store::FleetNode::name);
             if (node == nodes->end() || node->keyHash != stream->caller().keyHash) stream->end();
           }
         });
}

void FleetServer::beat() {
  for (LogStream* const stream : streams_) stream->sendNews();
  pool_->submit([this] { checkpoints_.collect(); });
  beatTimer_.start(kBeatInterval, [this] { beat(); });
}

std::uint64_t FleetServer::firstNeeded() const {
  std::uint64_t first = UINT64_MAX;
  for (const LogStream* const stream : streams_) first = std::min(first, stream->next());
  return first;
}

void FleetServer::drain() {
  pacer_.close();
  for (LogStream* const stream : std::vector(streams_)) stream->end();
}

}  // namespace atolld::replication
