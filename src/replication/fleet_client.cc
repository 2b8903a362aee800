#include "replication/fleet_client.h"

#include <utility>

namespace atolld::replication {
namespace {

constexpr std::size_t kAnswerBytesMax = 64ull * 1024 * 1024;
constexpr std::size_t kWindowBytes = 4ull * 1024 * 1024;

upstream::ClientOptions optionsOf(std::shared_ptr<const tls::ClientContext> tls) {
  upstream::ClientOptions options;
  options.tls = std::move(tls);
  options.limits.connect = std::chrono::seconds(5);
  options.limits.firstByte = std::chrono::seconds(15);
  options.limits.http.receiveWindowBytes = kWindowBytes;
  return options;
}

http::RequestHead headOf(const std::string& authority, std::string target, const char* method) {
  http::RequestHead head;
  head.method = method;
  head.scheme = "https";
  head.authority = authority;
  head.target = std::move(target);
  return head;
}

}  // namespace

Result<std::string> parseFleetUrl(std::string_view url) {
  constexpr std::string_view kScheme = "https://";
  std::string_view rest = url;
  if (rest.ends_with('/')) rest.remove_suffix(1);
  if (!rest.starts_with(kScheme)) {
    return fail(ErrorCode::InvalidArgument,
                "\"" + std::string(url) + "\" is no fleet address: write https://host:port");
  }
  rest.remove_prefix(kScheme.size());
  const std::size_t colon = rest.rfind(':');
  if (rest.find_first_of("/?#@ ") != std::string_view::npos || colon == std::string_view::npos ||
      colon == 0 || colon + 1 == rest.size() ||
      rest.find_first_not_of("0123456789", colon + 1) != std::string_view::npos) {
    return fail(ErrorCode::InvalidArgument,
                "\"" + std::string(url) + "\" is no fleet address: write https://host:port");
  }
  return std::string(rest);
}

Error errorOf(const http::ResponseHead& head, std::string_view text) {
  constexpr ErrorCode kCodes[] = {ErrorCode::InvalidArgument,
                                  ErrorCode::NotFound,
                                  ErrorCode::AlreadyExists,
                                  ErrorCode::Unauthorized,
                                  ErrorCode::Forbidden,
                                  ErrorCode::Protocol,
                                  ErrorCode::TooLarge,
                                  ErrorCode::Overloaded,
                                  ErrorCode::Unavailable,
                                  ErrorCode::Timeout,
                                  ErrorCode::Aborted,
                                  ErrorCode::Corrupt,
                                  ErrorCode::Io,
                                  ErrorCode::Internal};
  const std::string_view name = head.headers.find("atoll-error").value_or("");
  Error error{ErrorCode::Protocol, std::string(text)};
  if (text.empty()) error.detail = "the other node answered " + std::to_string(head.status);
  for (const ErrorCode code : kCodes) {
    if (errorCodeName(code) == name) error.code = code;
  }
  return error;
}

class FleetClient::Call final : public http::ClientSink {
 public:
  Call(FleetClient& client, Done done) : client_(client), done_(std::move(done)) {}

  http::ClientExchange* exchange = nullptr;
  std::list<std::unique_ptr<Call>>::iterator self;

 private:
  void onResponse(http::ResponseHead head) override { head_ = std::move(head); }
  void onBody(Bytes chunk) override {
    tooLarge_ = tooLarge_ || body_.size() + chunk.size() > kAnswerBytesMax;
    if (!tooLarge_) body_.append(chunk.view());
    exchange->consumed(chunk.size());
  }
  void onDrained() override {}
  void onClosed(const Result<>& ok, http::HeaderList) override {
    Result<std::string> result = std::move(body_);
    if (!ok) {
      result = std::unexpected(ok.error());
    } else if (tooLarge_) {
      result = fail(ErrorCode::Protocol, "the other node's answer is too large");
    } else if (head_.status != 200) {
      result = std::unexpected(errorOf(head_, *result));
    }
    const Done done = std::move(done_);
    const std::unique_ptr<Call> last = std::move(*self);
    client_.calls_.erase(self);
    done(std::move(result));
  }

  FleetClient& client_;
  Done done_;
  http::ResponseHead head_;
  std::string body_;
  bool tooLarge_ = false;
};

FleetClient::FleetClient(loop::Loop& loop, loop::Resolver& resolver,
                         std::shared_ptr<const tls::ClientContext> tls)
    : loop_(loop),
      resolver_(resolver),
      tls_(std::move(tls)),
      client_(std::make_unique<upstream::Client>(loop, resolver, optionsOf(tls_))) {}

FleetClient::~FleetClient() = default;

void FleetClient::reconnect() {
  auto next = std::make_unique<upstream::Client>(loop_, resolver_, optionsOf(tls_));
  const std::unique_ptr<upstream::Client> former = std::exchange(client_, std::move(next));
}

void FleetClient::call(const std::string& authority, std::string_view path, std::string body,
                       Done done) {
  calls_.push_back(std::make_unique<Call>(*this, std::move(done)));
  Call& added = *calls_.back();
  added.self = std::prev(calls_.end());
  added.exchange =
      &client_->start(headOf(authority, std::string(path), "POST"), Bytes(std::move(body)), added);
}

http::ClientExchange& FleetClient::open(const std::string& authority, std::string target,
                                        http::ClientSink& sink) {
  return client_->start(headOf(authority, std::move(target), "GET"), sink);
}

}  // namespace atolld::replication
