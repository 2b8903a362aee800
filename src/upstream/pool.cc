#include "upstream/pool.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace atolld::upstream {
namespace {

std::chrono::milliseconds tickFor(const ClientLimits& limits) {
  const auto shortest = std::min({limits.connect, limits.firstByte, limits.idle});
  return std::clamp(shortest / 8, std::chrono::milliseconds(1), std::chrono::milliseconds(250));
}

}  // namespace

Pool::Pool(loop::Loop& loop, loop::Resolver& resolver, ClientOptions options)
    : loop_(loop),
      resolver_(resolver),
      options_(std::move(options)),
      wheel_(loop, tickFor(options_.limits)),
      round_(loop, [this] { runRound(); }) {
  ATOLL_CHECK(options_.tls != nullptr);
}

Pool::~Pool() {
  closing_ = true;
  while (!requests_.empty()) {
    requests_.front().finish({ErrorCode::Aborted, "the client was closed"});
  }
}

http::ClientExchange& Pool::start(http::RequestHead head, std::optional<Bytes> body,
                                  http::ClientSink& sink) {
  ATOLL_CHECK(!closing_);
  stats_.requests.add();
  auto name = OriginName::parse(head.scheme, head.authority);
  if (name) name->http1Only = head.webSocket;
  Request& request = requests_.emplace_back(*this, std::move(head), std::move(body), sink);
  request.self = std::prev(requests_.end());
  if (!name) {
    request.refusal = std::move(name).error();
    refused_.push_back(&request);
    round_.schedule();
    return request;
  }
  Origin& origin = origins_[*name];
  origin.name = std::move(*name);
  request.origin = &origin;
  origin.waiting.push_back(&request);
  wantsAssign(origin);
  return request;
}

Result<> Pool::mayConnect(const loop::SocketAddress& address) const {
  return options_.addressFilter ? options_.addressFilter(address) : Result<>();
}

void Pool::wantsFlush(Connection& connection) {
  if (std::exchange(connection.flushWanted, true)) return;
  flushes_.push_back(&connection);
  round_.schedule();
}

void Pool::wantsAssign(Origin& origin) {
  if (std::exchange(origin.assignWanted, true)) return;
  assigns_.push_back(&origin);
  round_.schedule();
}

void Pool::retry(Request& request) {
  stats_.retries.add();
  Origin& origin = *request.origin;
  // What closed one kept connection has most likely closed them all.
  for (const auto& connection : origin.connections) {
    if (!connection->idle()) continue;
    connection->kill();
    wantsFlush(*connection);
  }
  origin.waiting.push_front(&request);
  wantsAssign(origin);
}

std::list<Request> Pool::release(Request& request) {
  if (request.origin != nullptr) {
    std::erase(request.origin->waiting, &request);
    wantsAssign(*request.origin);  // It may have been the last reason to keep the origin.
  }
  std::erase(refused_, &request);
  std::list<Request> alone;
  alone.splice(alone.begin(), requests_, request.self);
  return alone;
}

void Pool::runRound() {
  while (!refused_.empty()) {
    Request& request = *refused_.back();
    request.finish(Error(*request.refusal));
  }
  // By index: what runs adds to both lists. Ends, for every addition is a step of a connection or
  // a request forward.
  for (std::size_t a = 0, f = 0; a < assigns_.size() || f < flushes_.size();) {
    if (a < assigns_.size()) {
      Origin& origin = *assigns_[a++];
      origin.assignWanted = false;
      assign(origin);
      forgetUnused(origin);
      continue;
    }
    Connection* const connection = flushes_[f++];
    if (connection == nullptr) continue;
    connection->flushWanted = false;
    connection->flush();
    if (connection->finished()) remove(*connection);
  }
  assigns_.clear();
  flushes_.clear();
}

void Pool::assign(Origin& origin) {
  while (!origin.waiting.empty()) {
    // The last is the youngest, and so the least likely to be stale.
    const auto found = std::find_if(origin.connections.rbegin(), origin.connections.rend(),
                                    [](const auto& one) { return one->canSubmit(); });
    if (found == origin.connections.rend()) return openFor(origin);
    Request& request = *origin.waiting.front();
    origin.waiting.pop_front();
    (*found)->submit(request);
  }
}

void Pool::openFor(Origin& origin) {
  auto connecting = static_cast<std::size_t>(
      std::ranges::count_if(origin.connections, [](const auto& one) { return one->connecting(); }));
  const bool parallel = !origin.name.secure || origin.protocol == Origin::Protocol::Http1;
  const std::size_t wanted = parallel ? origin.waiting.size() : 1;
  while (connecting < wanted &&
         origin.connections.size() < options_.limits.connectionsPerOriginMax && makeRoom()) {
    origin.connections.push_back(std::make_unique<Connection>(*this, origin));
    ++connectionCount_;
    ++connecting;
    origin.connections.back()->open();
  }
}

/// Gives up an idle connection of any origin if all places are taken.
bool Pool::makeRoom() {
  if (connectionCount_ < options_.limits.connectionsMax) return true;
  for (auto& [name, origin] : origins_) {
    for (const auto& connection : origin.connections) {
      if (!connection->idle()) continue;
      connection->kill();
      wantsFlush(*connection);
      return false;  // Its place is free when it is gone, which assigns again.
    }
  }
  return false;
}

void Pool::remove(Connection& connection) {
  Origin& origin = connection.origin();
  std::ranges::replace(flushes_, &connection, static_cast<Connection*>(nullptr));
  const auto place = std::ranges::find_if(
      origin.connections, [&](const auto& one) { return one.get() == &connection; });
  ATOLL_CHECK(place != origin.connections.end());
  const std::unique_ptr<Connection> last = std::move(*place);
  origin.connections.erase(place);
  --connectionCount_;
  if (!last->wasOpen() && last->error() != nullptr) onConnectFailed(origin, *last->error());
  wantsAssign(origin);
  // Others may have waited for the place.
  if (connectionCount_ + 1 == options_.limits.connectionsMax) {
    for (auto& [name, other] : origins_) {
      if (!other.waiting.empty()) wantsAssign(other);
    }
  }
}

/// The first of those that wait gets the error; all do if nobody else is on the way to serve them.
void Pool::onConnectFailed(Origin& origin, const Error& error) {
  const bool hopeless = origin.connections.empty();
  // As many as wait now: their sinks may start more.
  for (std::size_t left = hopeless ? origin.waiting.size() : 1; left > 0 && !origin.waiting.empty();
       --left) {
    origin.waiting.front()->finish(error);
  }
}

void Pool::forgetUnused(Origin& origin) {
  if (!origin.connections.empty() || !origin.waiting.empty() || origin.assignWanted) return;
  const bool wanted = std::ranges::any_of(
      requests_, [&](const Request& request) { return request.origin == &origin; });
  if (!wanted) origins_.erase(OriginName(origin.name));
}

}  // namespace atolld::upstream
