// The HTTP/2 server: no frames bring it down, leave an exchange open or make it hoard.

#include <string>

#include "base/check.h"
#include "fuzz.h"
#include "http/server_fixture.h"

namespace {

using namespace atolld;
using namespace atolld::http;
using namespace atolld::http::testing;

constexpr std::size_t kOutputBytesMax = 64 * 1024 * 1024;

void answerInParts(Recorded& request) {
  request.exchange().respondHead(responseHead(200, BodyKind::Unknown));
  request.exchange().write(Bytes(std::string(20'000, 'x')));
  HeaderList trailers;
  trailers.add("x-sum", "1");
  request.exchange().end(std::move(trailers));
}

void run(const std::vector<std::string_view>& pieces, std::uint8_t mode) {
  std::vector<std::unique_ptr<Recorded>> requests;
  {
    ServerLimits limits;
    limits.headBytesMax = 2048;
    limits.targetBytesMax = 512;
    limits.bodyBytesMax = 4096;
    limits.receiveWindowBytes = 8192;
    limits.concurrentStreamsMax = 4;
    Peer peer(makeHttp2ServerConnection, limits);
    switch (mode & 3) {
      case 0:
        peer.handler.answer = RecordingHandler::echo;
        break;
      case 1:
        peer.handler.answer = RecordingHandler::hello;
        break;
      case 2:
        peer.handler.answer = answerInParts;
        break;
      default:
        peer.handler.answer = [](Recorded& request) { request.exchange().abort(); };
        break;
    }
    if ((mode & 4) == 0) {
      peer.send(kHttp2Preface);
      peer.send(std::string_view("\0\0\0\4\0\0\0\0\0", 9));
    }
    for (const std::string_view piece : pieces) {
      if (peer.connection->shouldClose()) break;
      peer.send(piece);
    }
    if ((mode & 8) != 0) peer.connection->startDrain();
    if ((mode & 16) != 0) peer.connection->receiveEnd();
    if ((mode & 32) != 0) peer.connection->onTimeout();
    peer.flush();
    ATOLL_CHECK(peer.received.size() < kOutputBytesMax);
    peer.connection.reset();
    requests = std::move(peer.handler.requests);
  }
  for (const auto& request : requests) {
    ATOLL_CHECK(request->closed == 1);
    ATOLL_CHECK(request->head->target.starts_with('/') || request->head->target == "*");
    ATOLL_CHECK(!request->head->headers.find("connection"));
  }
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view input = fuzz::asText(data, size);
  const std::uint8_t mode = fuzz::takeByte(input);
  run({input}, mode);
  run(fuzz::split(input, 1u + mode), mode);
  return 0;
}
