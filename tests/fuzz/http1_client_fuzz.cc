// The HTTP/1 client: an origin's bytes are understood in one way, or are an error.

#include <string>

#include "base/check.h"
#include "fuzz.h"
#include "http/client_fixture.h"

namespace {

using namespace atolld;
using namespace atolld::http;
using namespace atolld::http::testing;

std::string run(const std::vector<std::string_view>& pieces, std::uint8_t mode) {
  ClientLimits limits;
  limits.headBytesMax = 2048;
  limits.receiveWindowBytes = 1024;
  RecordedResponse response;
  Origin origin(makeHttp1ClientConnection, limits);
  origin.submit(requestHead((mode & 1) != 0 ? "HEAD" : "GET"), response);
  origin.flush();
  for (const std::string_view piece : pieces) {
    if (origin.connection->shouldClose()) break;
    origin.answer(piece);
  }
  if ((mode & 2) != 0) origin.connection->receiveEnd();
  origin.flush();
  ATOLL_CHECK(response.closed <= 1);
  ATOLL_CHECK(!response.error || origin.connection->shouldClose());
  ATOLL_CHECK(response.heads <= 1);
  std::string told = std::to_string(response.closed) + ' ' + std::to_string(response.head.status);
  for (const auto [name, value] : response.head.headers) {
    told += '\n' + std::string(name) + '=' + std::string(value);
  }
  told += "\n[" + response.body + ']';
  for (const auto [name, value] : response.trailers) told += '\n' + std::string(name);
  if (response.error) told += errorCodeName(response.error->code);
  return told + (origin.connection->canSubmit() ? " reusable" : "");
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
