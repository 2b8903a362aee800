#include "upstream/client.h"

#include <optional>
#include <utility>

#include "upstream/pool.h"

namespace atolld::upstream {

Client::Client(loop::Loop& loop, loop::Resolver& resolver, ClientOptions options)
    : pool_(std::make_unique<Pool>(loop, resolver, std::move(options))) {}

Client::~Client() = default;

http::ClientExchange& Client::start(http::RequestHead head, http::ClientSink& sink) {
  return pool_->start(std::move(head), std::nullopt, sink);
}

http::ClientExchange& Client::start(http::RequestHead head, Bytes body, http::ClientSink& sink) {
  head.body = http::BodyKind::Length;
  head.contentLength = body.size();
  return pool_->start(std::move(head), std::move(body), sink);
}

const ClientStats& Client::stats() const { return pool_->stats(); }

}  // namespace atolld::upstream
