// WebSockets: what a script asks of the host, and what it makes of the host's events.

#include <doctest/doctest.h>

#include "webapi/test_script.h"

namespace atolld::webapi {
namespace {

/// A script whose socket's events become what it sends.
constexpr std::string_view kEcho = R"js(
  export default {
    fetch(request) {
      const [client, server] = Object.values(new WebSocketPair());
      server.accept();
      server.binaryType = "arraybuffer";
      server.send("early");
      server.addEventListener("message", ({ data }) => {
        if (data === "close") server.close(4000, "asked to");
        else if (data === "flood") {
          while (server.readyState === 1) server.send(new Uint8Array(1 << 20));
        }
        else server.send(data);
      });
      server.addEventListener("error", (event) => console.log("error", event.message));
      server.addEventListener("close", (event) => {
        console.log("close", event.code, event.reason, event.wasClean, server.readyState);
      });
      return new Response(null, { status: 101, webSocket: client, headers: { "x-a": "b" } });
    }
  };
)js";

host::FetchEvent upgrade(TestScript& script) {
  host::FetchEvent event = script.request();
  event.head->webSocket = true;
  return event;
}

std::string logged(host::Outbox& outbox) {
  std::string all;
  for (const host::Effect& effect : outbox) {
    if (const auto* const log = std::get_if<host::Log>(&effect)) all += log->text + "\n";
  }
  return all;
}

}  // namespace

TEST_CASE("A pair's end in a Response opens a socket, and what was sent before goes with it") {
  TestScript script{std::string(kEcho)};
  host::Outbox outbox = script.run(upgrade(script));
  const host::Respond& respond = response(outbox);
  CHECK(respond.head.status == 101);
  CHECK(header(respond, "x-a") == "b");
  REQUIRE(respond.socket != 0);
  REQUIRE(find<host::SocketAccept>(outbox) != nullptr);
  CHECK(find<host::SocketAccept>(outbox)->socket == respond.socket);
  REQUIRE(find<host::SocketSend>(outbox) != nullptr);
  CHECK(find<host::SocketSend>(outbox)->payload.view() == "early");
  CHECK(find<host::Done>(outbox) == nullptr);
}

TEST_CASE("Messages come as events, give their credit back, and the last event ends the request") {
  TestScript script{std::string(kEcho)};
  host::Outbox outbox = script.run(upgrade(script));
  const host::SocketId id = response(outbox).socket;
  outbox = script.run(host::SocketMessage{id, true, Bytes::copyOf("gr\xc3\xbc\xc3\x9f")});
  REQUIRE(outbox.size() == 2);
  CHECK(std::get<host::SocketSend>(outbox[0]).text);
  CHECK(std::get<host::SocketSend>(outbox[0]).payload.view() == "gr\xc3\xbc\xc3\x9f");
  CHECK(std::get<host::SocketTaken>(outbox[1]).bytes == 6 + host::kSocketMessageOverheadBytes);
  outbox = script.run(host::SocketMessage{id, false, Bytes::copyOf("\xff")});
  CHECK_FALSE(find<host::SocketSend>(outbox)->text);
  CHECK(find<host::SocketSend>(outbox)->payload.view() == "\xff");
  outbox = script.run(host::SocketMessage{id, true, Bytes::copyOf("close")});
  CHECK(find<host::SocketClose>(outbox)->code == 4000);
  CHECK(find<host::SocketClose>(outbox)->reason == "asked to");
  CHECK(find<host::Done>(outbox) == nullptr);
  outbox = script.run(host::SocketClosed{id, 4000, "asked to", true});
  CHECK(logged(outbox) == "close 4000 asked to true 3\n");
  CHECK(count<host::Done>(outbox) == 1);
}

TEST_CASE("A lost connection is a close event with 1006, a broken protocol an error event too") {
  for (const bool violation : {false, true}) {
    TestScript script{std::string(kEcho)};
    host::Outbox outbox = script.run(upgrade(script));
    const host::SocketId id = response(outbox).socket;
    outbox = script.run(host::SocketClosed{id, 1006, violation ? "a bad frame" : "", false});
    CHECK(logged(outbox) ==
          std::string(violation ? "error a bad frame\n" : "") +
              "close 1006 WebSocket disconnected without sending Close frame. false 3\n");
    CHECK(count<host::Done>(outbox) == 1);
  }
}

TEST_CASE("What a script sends to a peer that does not read is bounded") {
  TestScript script{std::string(kEcho)};
  host::Outbox outbox = script.run(upgrade(script));
  const host::SocketId id = response(outbox).socket;
  outbox = script.run(host::SocketMessage{id, true, Bytes::copyOf("flood")});
  CHECK(count<host::SocketSend>(outbox) < 40);
  REQUIRE(find<host::SocketClose>(outbox) != nullptr);
  CHECK(find<host::SocketClose>(outbox)->code == 1006);
  script.run(host::SocketClosed{id, 1006, "full", false});
}

TEST_CASE("Events of sockets that are over, or never were, are nothing") {
  TestScript script{std::string(kEcho)};
  host::Outbox outbox = script.run(upgrade(script));
  const host::SocketId id = response(outbox).socket;
  script.run(host::SocketClosed{id, 1000, "", true});
  CHECK(script.run(host::SocketClosed{id, 1000, "", true}).empty());
  CHECK(script.run(host::SocketSent{id, 5}).empty());
  CHECK(find<host::SocketSend>(outbox = script.run(host::SocketMessage{99, true, {}})) == nullptr);
}

TEST_CASE("A WebSocket for a request that asked for none is the script's mistake") {
  TestScript script{std::string(kEcho)};
  host::Outbox outbox = script.fetch();
  REQUIRE(find<host::Failed>(outbox) != nullptr);
  CHECK(find<host::Failed>(outbox)->message.contains("Upgrade: websocket"));
}

TEST_CASE("A request that asks for a WebSocket says so in its headers, whatever carried it") {
  TestScript script(
      "export default { fetch: (r) => new Response([r.headers.get('upgrade'),"
      " [...r.headers].join(';')].join('|')) };");
  CHECK(script.text(upgrade(script)).starts_with("websocket|host,example.com;upgrade,websocket"));
}

TEST_CASE("new WebSocket() asks for an upgrade, and its events follow the answer") {
  TestScript script(R"js(
    export default {
      fetch: () => new Promise((resolve) => {
        const log = [];
        const ws = new WebSocket("ws://peer.test/chat?x", ["a", "b"]);
        ws.onopen = () => { log.push("open", ws.protocol, ws.readyState); ws.send("hi"); };
        ws.onmessage = (event) => { log.push(event.data, event.origin); ws.close(); };
        ws.onclose = (event) => resolve(new Response(String([...log, event.code])));
      })
    };
  )js");
  host::Outbox outbox = script.run(script.request());
  const auto& start = *find<host::FetchStart>(outbox);
  const host::SocketId id = start.socket;
  CHECK(start.head->scheme + start.head->authority + start.head->target == "httppeer.test/chat?x");
  CHECK(start.head->headers.find("sec-websocket-protocol") == "a, b");
  REQUIRE(id != 0);
  host::FetchedResponse answer;
  answer.head.status = 101;
  answer.head.headers.add("sec-websocket-protocol", "b");
  outbox = script.run(host::OpDone{start.op, std::move(answer)});
  CHECK(find<host::SocketAccept>(outbox)->socket == id);
  CHECK(find<host::SocketSend>(outbox)->payload.view() == "hi");
  outbox = script.run(host::SocketMessage{id, true, Bytes::copyOf("there")});
  CHECK(find<host::SocketClose>(outbox)->code == 1005);
  outbox = script.run(host::SocketClosed{id, 1005, "", true});
  CHECK(bodyText(response(outbox)) == "open,b,1,there,ws://peer.test,1005");
  CHECK(count<host::Done>(outbox) == 1);
}

TEST_CASE("new WebSocket() fails where the answer is another, or the subprotocol is") {
  for (const std::string_view protocol : {"", "c"}) {
    TestScript script(R"js(
      export default {
        fetch: () => new Promise((resolve) => {
          const ws = new WebSocket("wss://peer.test/", "a");
          const log = [];
          ws.onopen = () => log.push("open");
          ws.onerror = () => log.push("error", ws.readyState);
          ws.onclose = (event) => resolve(new Response(String([...log, event.code])));
        })
      };
    )js");
    host::Outbox outbox = script.run(script.request());
    const auto& start = *find<host::FetchStart>(outbox);
    host::FetchedResponse answer;
    answer.head.status = protocol.empty() ? 200 : 101;
    answer.head.headers.add("sec-websocket-protocol", protocol);
    outbox = script.run(host::OpDone{start.op, std::move(answer)});
    CHECK(bodyText(response(outbox)) == "error,3,1006");
  }
}

TEST_CASE("A fetched WebSocket handed to the client is the host's to join") {
  TestScript script(R"js(
    export default {
      fetch: (request) => fetch("http://peer.test/", { headers: { Upgrade: "WebSocket" } })
    };
  )js");
  host::Outbox outbox = script.run(upgrade(script));
  const host::SocketId id = find<host::FetchStart>(outbox)->socket;
  REQUIRE(id != 0);
  host::FetchedResponse answer;
  answer.head.status = 101;
  outbox = script.run(host::OpDone{find<host::FetchStart>(outbox)->op, std::move(answer)});
  CHECK(response(outbox).socket == id);
  CHECK(find<host::SocketAccept>(outbox) == nullptr);
  CHECK(count<host::Done>(outbox) == 1);
}

TEST_CASE("When its invocation is ended from outside, a socket is closed and says nothing more") {
  TestScript script{std::string(kEcho)};
  host::Outbox outbox = script.run(upgrade(script));
  const host::SocketId id = response(outbox).socket;
  script.run(host::InvocationOver{1});
  outbox = script.run(host::SocketMessage{id, true, Bytes::copyOf("x")});
  CHECK(find<host::SocketSend>(outbox) == nullptr);
}

}  // namespace atolld::webapi
