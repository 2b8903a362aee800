#include "control/control_handler.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <functional>
#include <random>
#include <utility>

#include "base/check.h"
#include "base/encoding.h"
#include "control/api.h"
#include "control/assets_api.h"
#include "control/auth.h"
#include "control/tail_socket.h"
#include "control/wrangler.h"
#include "telemetry/log.h"

namespace atolld::control {
namespace {

// What surrounds a KV value in a form: boundaries, part heads, metadata.
constexpr std::uint64_t kFormOverheadBytes = 64 * 1024;
constexpr std::uint64_t kSmallBodyBytesMax = 1024 * 1024;
/// Most of them wait in commit(), and as many as wait share a sync.
constexpr std::size_t kCallThreadCount = 64;

// Endpoints of one script: what a token for one script may call.
constexpr std::string_view kScriptPatterns[] = {
    "/api/v1/scripts/:script",
    "/client/v4/accounts/:account/workers/scripts/:script",
    "/client/v4/accounts/:account/workers/services/:script",
    "/client/v4/accounts/:account/workers/workers/:script",
};

std::string newRequestId() {
  static thread_local std::mt19937_64 random{std::random_device{}()};
  const std::uint64_t bits = random();
  std::array<char, sizeof bits> bytes;
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(bits >> (8 * i));
  return toHex(std::string_view(bytes.data(), bytes.size()));
}

/// Between so many calls within `time`; zero for none.
std::chrono::nanoseconds intervalOf(std::chrono::nanoseconds time, std::uint64_t count) {
  if (count == 0) return std::chrono::nanoseconds::zero();
  return time / static_cast<std::int64_t>(count);
}

Error tooLarge(std::uint64_t limit) {
  return {ErrorCode::TooLarge,
          "the request body is larger than " + std::to_string(limit) + " bytes"};
}

}  // namespace

/// One request: found, authorised, read, run, answered. Loop thread only, but for what prepare()
/// and run() are given on a pool thread. Shared by the handler (until the exchange is over) and by
/// the job under way, so that either may end first.
class ControlHandler::Session final : public http::ExchangeSink,
                                      public std::enable_shared_from_this<Session> {
 public:
  Session(ControlHandler& handler, http::Exchange& exchange,
          std::unique_ptr<http::RequestHead> head)
      : handler_(handler),
        exchange_(&exchange),
        head_(std::move(head)),
        requestId_(newRequestId()),
        startedAt_(handler.services_.clock.monotonic()) {}

  void start() {
    const std::string_view target = head_->target;
    const std::size_t question = std::min(target.find('?'), target.size());
    if (const Result<> ours = checkOrigin(*head_, handler_.options_.hostname); !ours) {
      return answer(answerError(ours.error()));
    }
    if (const auto wait = rateLimit()) {
      return answer(wrangler::isOurs(target) ? wrangler::answerRateLimited(*wait)
                                             : answerRateLimited(*wait));
    }
    auto found = handler_.router_.find(head_->method, target.substr(0, question));
    if (auto* const noMethod = std::get_if<Router::NoMethod>(&found)) {
      Answer refusal = answerError({ErrorCode::InvalidArgument,
                                    head_->method + " is not possible here: " + noMethod->allow});
      refusal.status = 405;
      refusal.headers.emplace_back("allow", noMethod->allow);
      return answer(std::move(refusal));
    }
    if (std::holds_alternative<Router::NoPath>(found)) {
      if (wrangler::isOurs(target)) {
        return answer(wrangler::answerNoPath(target.substr(0, question)));
      }
      return answer(answerError({ErrorCode::NotFound, "there is no such path in the control API"}));
    }
    if (std::holds_alternative<Router::BadPath>(found)) {
      return answer(
          answerError({ErrorCode::InvalidArgument, "the path holds a broken percent escape"}));
    }
    auto& match = std::get<Router::Match>(found);
    route_ = match.route;
    call_.parameters = std::move(match.parameters);
    Result<http::Query> query =
        http::Query::parse(target.substr(std::min(question + 1, target.size())));
    if (!query) return answer(answerError(query.error()));
    call_.query = *std::move(query);
    call_.contentType = head_->headers.find("content-type").value_or("");
    call_.authority = head_->authority;
    call_.isSecure = head_->scheme == "https";
    if (head_->body == http::BodyKind::Length && head_->contentLength > bodyLimit()) {
      return answer(answerError(tooLarge(bodyLimit())));
    }
    if (head_->body != http::BodyKind::None) return authorizeOnPool();
    onPool([](Session& self) -> Result<Answer> {
      ATOLL_TRY_VOID(self.authorizeNow());
      return self.run();
    });
  }

  // ---- http::ExchangeSink ----

  void onBody(Bytes chunk) override {
    if (answered_) return;
    const std::uint64_t limit = bodyLimit();
    if (body_.size() + chunk.size() > limit) return answer(answerError(tooLarge(limit)));
    if (handler_.pendingBytes_ + chunk.size() > handler_.options_.pendingBytesMax) {
      return answer(
          answerError({ErrorCode::Overloaded, "too many uploads at once: try again in a moment"}));
    }
    handler_.pendingBytes_ += chunk.size();
    held_ += chunk.size();
    body_.append(chunk.view());
    exchange_->consumed(chunk.size());  // The limits above bound what we hold.
  }

  void onBodyEnd(http::HeaderList) override {
    if (answered_) return;
    call_.body = Bytes(std::exchange(body_, {}));
    onPool([](Session& self) { return self.run(); });
  }

  void onDrained() override {}

  void onClosed(const Result<>&) override {
    exchange_ = nullptr;
    answered_ = true;
    if (!busy_) releaseBody();
    const auto self = shared_from_this();  // Outlives the erasure below.
    handler_.sessions_.erase(this);
  }

 private:
  /// How long the caller has to wait, if it has called too often. By what is presented as a token,
  /// known or not; only a hash of that is kept.
  std::optional<std::chrono::nanoseconds> rateLimit() {
    const auto credentials = head_->headers.find("authorization");
    if (!credentials) return std::nullopt;
    if (const auto wait = handler_.authFailureRate_.wait(clientKey(clientAddress()), startedAt_)) {
      return wait;
    }
    return handler_.callRate_.take(std::hash<std::string_view>()(*credentials), startedAt_);
  }

  /// In the log, if it is the node's; and who guesses tokens gets slower.
  void noteFailure(const Error& error) {
    if (error.code == ErrorCode::Unauthorized && head_->headers.find("authorization")) {
      (void)handler_.authFailureRate_.take(clientKey(clientAddress()), startedAt_);
    }
    logFailure(error);
  }

  std::string clientAddress() const {
    return head_->connection ? head_->connection->clientAddress : std::string();
  }

  std::uint64_t bodyLimit() const {
    const HandlerOptions& options = handler_.options_;
    switch (route_->body) {
      case BodyLimit::None:
        return 0;
      case BodyLimit::Small:
        return std::min(kSmallBodyBytesMax, options.bodyBytesMax);
      case BodyLimit::KvValue:
        return std::min(handler_.services_.kvValueBytesMax + kFormOverheadBytes,
                        options.bodyBytesMax);
      case BodyLimit::Upload:
        return options.bodyBytesMax;
    }
    return 0;
  }

  // Runs `work` on a pool thread and answers with what it returns, if somebody still listens. The
  // session's call is the job's alone until then.
  void onPool(Result<Answer> (*work)(Session&)) {
    busy_ = true;
    const bool isUpload = route_->body == BodyLimit::Upload;
    (isUpload ? handler_.uploads_ : handler_.calls_)
        ->submit([self = shared_from_this(), work]() mutable {
          Session& session = *self;
          Result<Answer> result = work(session);
          session.handler_.mailbox_.post(
              [self = std::move(self), result = std::move(result)]() mutable {
                self->busy_ = false;
                self->releaseBody();
                if (!result) self->noteFailure(result.error());
                self->answer(result ? *std::move(result) : self->answerError(result.error()));
              });
        });
  }

  // Before a byte of the body is read: who has no business here cannot make us hold one.
  void authorizeOnPool() {
    busy_ = true;
    handler_.calls_->submit([self = shared_from_this()]() mutable {
      Session& session = *self;
      Result<> allowed = session.authorizeNow();
      session.handler_.mailbox_.post([self = std::move(self), allowed = std::move(allowed)] {
        self->busy_ = false;
        self->onAuthorized(allowed);
      });
    });
  }

  Result<> authorizeNow() {
    if (route_->access == Access::Public) return {};
    std::optional<std::string_view> script;
    const bool hasAccount = route_->pattern.starts_with(wrangler::kAccountPattern);
    const bool isOfScript = std::ranges::any_of(kScriptPatterns, [this](std::string_view pattern) {
      return route_->pattern.starts_with(pattern);
    });
    if (isOfScript) script = call_.parameters[hasAccount ? 1 : 0];
    const std::string_view credentials = head_->headers.find("authorization").value_or("");
    if (route_->access == Access::AssetSession) {
      ATOLL_TRY(call_.identity, authorizeAssets(handler_.services_.registry, credentials));
    } else {
      ATOLL_TRY(call_.identity,
                authorize(handler_.services_.tokens, credentials, route_->access, script));
    }
    if (!hasAccount) return {};
    if (!wrangler::isAccount(call_.parameters[0], call_.identity.tenant)) {
      return fail(ErrorCode::Forbidden, "this token is not of that account: its own is " +
                                            wrangler::accountId(call_.identity.tenant));
    }
    call_.parameters.erase(call_.parameters.begin());
    return {};
  }

  // In the shape that clients of the API called know.
  Answer answerError(const Error& error) const {
    return wrangler::isOurs(head_->target) ? wrangler::answerError(error)
                                           : control::answerError(error);
  }

  /// What it commits is the caller's doing.
  Result<Answer> run() const {
    const store::Author author{.tenant = call_.identity.tenant,
                               .tokenId = call_.identity.tokenId,
                               .role = std::string(store::roleName(call_.identity.role)),
                               .address = clientAddress(),
                               .ray = requestId_};
    const store::AuthorScope scope(author);
    return route_->run(handler_.services_, call_);
  }

  void onAuthorized(const Result<>& allowed) {
    if (answered_) return;
    if (allowed) return exchange_->startBody();
    noteFailure(allowed.error());
    answer(answerError(allowed.error()));
  }

  void releaseBody() {
    call_.body = {};
    body_ = {};
    handler_.pendingBytes_ -= std::exchange(held_, 0);
  }

  void logFailure(const Error& error) const {
    if (statusOf(error.code) != 500) return;
    telemetry::log(
        telemetry::Level::Error, "control_failed",
        {{"ray", requestId_}, {"code", errorCodeName(error.code)}, {"detail", error.detail}});
  }

  void answer(Answer answer) {
    if (answered_) return;
    answered_ = true;
    if (!busy_) releaseBody();
    const auto elapsed = std::chrono::duration_cast<std::chrono::milliseconds>(
        handler_.services_.clock.monotonic() - startedAt_);
    // The pattern, not the path: KV keys are the tenant's data.
    telemetry::log(telemetry::Level::Info, "control_request",
                   {{"ray", requestId_},
                    {"method", std::string_view(head_->method)},
                    {"route", route_ ? route_->pattern : std::string_view("-")},
                    {"status", static_cast<std::int64_t>(answer.status)},
                    {"tenant", std::string_view(call_.identity.tenant)},
                    {"token", std::string_view(call_.identity.tokenId)},
                    {"ms", static_cast<std::int64_t>(elapsed.count())}});
    http::ResponseHead head;
    head.status = answer.status;
    if (!answer.contentType.empty()) {
      head.headers.add("content-type", answer.contentType);
      head.body = http::BodyKind::Length;
      head.contentLength = answer.body.size();
    }
    head.headers.add("cache-control", "no-store");
    head.headers.add("x-content-type-options", "nosniff");
    head.headers.add("atoll-ray", requestId_);
    for (const auto& [name, value] : answer.headers) head.headers.add(name, value);
    exchange_->respond(head, std::move(answer.body));
  }

  ControlHandler& handler_;
  http::Exchange* exchange_;  // Null once it is over.
  const std::unique_ptr<http::RequestHead> head_;
  const std::string requestId_;
  const MonotonicTime startedAt_;
  const Route* route_ = nullptr;
  Call call_;
  std::string body_;
  std::uint64_t held_ = 0;  // Of handler_.pendingBytes_.
  bool busy_ = false;       // A job has the call.
  bool answered_ = false;
};

ControlHandler::ControlHandler(loop::Loop& loop, Services services, HandlerOptions options)
    : loop_(loop),
      services_([this, &services] {
        services.tickets = &tickets_;
        return std::move(services);
      }()),
      options_(std::move(options)),
      router_(apiRoutes()),
      callRate_(intervalOf(std::chrono::seconds(1), options_.callsPerSecond),
                std::max<std::uint64_t>(10 * options_.callsPerSecond, 1)),
      authFailureRate_(intervalOf(std::chrono::minutes(1), options_.authFailuresPerMinute),
                       std::max<std::uint64_t>(options_.authFailuresPerMinute, 1)),
      mailbox_(loop),
      uploads_(std::make_unique<loop::ThreadPool>("upload", options_.threadCount)),
      calls_(std::make_unique<loop::ThreadPool>("control", kCallThreadCount)) {}

ControlHandler::~ControlHandler() {
  loop_.checkThread();
  ATOLL_CHECK(sessions_.empty() && tailSockets_.empty());
  uploads_.reset();
  calls_.reset();
}

// Whoever has a ticket's id may watch: it is as long as a token, and no browser has it.
void ControlHandler::onTail(http::Exchange& exchange, const http::RequestHead& head) {
  const auto place = std::make_shared<TailSocket*>(nullptr);
  const auto socket = std::make_shared<TailSocket>(exchange, mailbox_, [this, place] {
    const auto last = tailSockets_.extract(*place);  // Outlives the call that it comes from.
  });
  *place = socket.get();
  tailSockets_.emplace(socket.get(), socket);
  exchange.setSink(*socket);
  const auto ticket =
      tickets_.find(std::string_view(head.target).substr(kTailPath.size()), services_.clock.now());
  const bool isOurs = checkOrigin(head, options_.hostname).has_value();
  if (isOurs && ticket) return socket->start(services_.tails, head, *ticket);
  http::ResponseHead refusal;
  refusal.status = isOurs ? 404 : 403;
  exchange.respond(refusal, Bytes::fromStatic("there is no such tail: begin another one\n"));
}

void ControlHandler::onRequest(http::Exchange& exchange, std::unique_ptr<http::RequestHead> head) {
  loop_.checkThread();
  if (head->webSocket && head->target.starts_with(kTailPath)) {
    return onTail(exchange, *head);
  }
  const auto session = std::make_shared<Session>(*this, exchange, std::move(head));
  sessions_.emplace(session.get(), session);
  exchange.setSink(*session);
  session->start();
}

}  // namespace atolld::control
