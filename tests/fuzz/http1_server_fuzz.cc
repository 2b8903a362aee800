// The HTTP/1 server: whatever arrives, in whatever pieces, it is understood in one way.

#include <string>

#include "base/check.h"
#include "fuzz.h"
#include "http/server_fixture.h"

namespace {

using namespace atolld;
using namespace atolld::http;
using namespace atolld::http::testing;

ServerLimits smallLimits() {
  ServerLimits limits;
  limits.headBytesMax = 2048;
  limits.targetBytesMax = 512;
  limits.headerCountMax = 32;
  limits.bodyBytesMax = 4096;
  limits.receiveWindowBytes = 1024;
  return limits;
}

void answerAtOnce(Recorded& request) {
  request.exchange().respondHead(responseHead(200, BodyKind::Unknown));
  request.exchange().write(Bytes::copyOf(request.head->target));
  request.exchange().end();
}

/// All that the handlers were told, and how the connection ended.
std::string run(const std::vector<std::string_view>& pieces, std::uint8_t mode) {
  Peer peer(makeHttp1ServerConnection, smallLimits(), (mode & 1) != 0);
  peer.handler.answer = (mode & 2) != 0 ? answerAtOnce : RecordingHandler::echo;
  for (const std::string_view piece : pieces) {
    if (peer.connection->shouldClose()) break;
    peer.send(piece);
  }
  if ((mode & 4) != 0) {
    peer.connection->receiveEnd();
  } else {
    peer.connection->onTimeout();
  }
  peer.flush();
  ATOLL_CHECK(peer.connection->shouldClose() || peer.connection->openExchanges() > 0);

  std::string told;
  for (const auto& request : peer.handler.requests) {
    const RequestHead& head = *request->head;
    ATOLL_CHECK(request->closed <= 1);
    ATOLL_CHECK(head.target.starts_with('/') || head.target == "*");
    ATOLL_CHECK(!head.headers.find("host") && !head.headers.find("transfer-encoding"));
    ATOLL_CHECK(head.body != BodyKind::Length || request->body.size() <= head.contentLength);
    ATOLL_CHECK(!request->bodyEnded || head.body != BodyKind::Length ||
                request->body.size() == head.contentLength);
    told += head.method + ' ' + head.authority + ' ' + head.target + '\n';
    for (const auto [name, value] : head.headers) {
      told += std::string(name) + '=' + std::string(value) + '\n';
    }
    told += '[' + request->body + (request->bodyEnded ? "]\n" : "\n");
    for (const auto [name, value] : request->trailers) told += std::string(name) + '\n';
  }
  return told + (peer.received.contains("atoll-error: ") ? "refused" : "");
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view input = fuzz::asText(data, size);
  const std::uint8_t mode = fuzz::takeByte(input);
  const std::string whole = run({input}, mode);
  ATOLL_CHECK(run(fuzz::split(input, 0), mode) == whole);
  ATOLL_CHECK(run(fuzz::split(input, 1u + mode), mode) == whole);
  return 0;
}
