#include <doctest/doctest.h>

#include "webapi/test_script.h"

namespace atolld::webapi {

TEST_CASE("A handler's Response becomes one Respond and one Done, in that order") {
  TestScript script(R"js(
    export default { fetch() { return new Response("Hello World"); } };
  )js");
  host::Outbox outbox = script.fetch();
  REQUIRE(outbox.size() == 2);
  const auto& respond = std::get<host::Respond>(outbox[0]);
  CHECK(respond.invocation == 1);
  CHECK(respond.head.status == 200);
  CHECK(bodyText(respond) == "Hello World");
  CHECK(header(respond, "content-type") == "text/plain;charset=UTF-8");
  CHECK(respond.head.body == http::BodyKind::Length);
  CHECK(respond.head.contentLength == 11);
  CHECK(std::get<host::Done>(outbox[1]).invocation == 1);
}

TEST_CASE("An async handler's Response is sent when its promise settles") {
  TestScript script(R"js(
    export default { async fetch(request) {
      await null;
      return new Response(request.method + " " + request.url, { status: 201 });
    } };
  )js");
  host::Outbox outbox = script.fetch("/a?b=c");
  CHECK(response(outbox).head.status == 201);
  CHECK(bodyText(response(outbox)) == "GET http://example.com/a?b=c");
  CHECK(count<host::Done>(outbox) == 1);
}

}  // namespace atolld::webapi
