function pair(accept = true) {
  const ends = new WebSocketPair();
  if (accept) for (const end of Object.values(ends)) end.accept();
  return [ends[0], ends[1]];
}

function heard(socket, count = 1) {
  const events = [];
  return new Promise((resolve) => {
    for (const type of ["message", "close", "error"]) {
      socket.addEventListener(type, (event) => {
        events.push(type === "message" ? event.data :
          type === "close" ? [event.code, event.reason, event.wasClean] : event.message);
        if (events.length === count) resolve(events);
      });
    }
  });
}

test("A WebSocketPair has two ends, as properties 0 and 1", () => {
  const ends = new WebSocketPair();
  same(Object.keys(ends), ["0", "1"]);
  ok(ends[0] instanceof WebSocket && ends[1] instanceof WebSocket && ends[0] !== ends[1]);
  ok(ends[0] instanceof EventTarget);
  same([ends[0].readyState, ends[0].url, ends[0].protocol, ends[0].extensions,
    ends[0].bufferedAmount, ends[0].binaryType], [1, null, "", "", 0, "blob"]);
});

test("WebSocket has the standard's constants, and Workers' older names", () => {
  same([WebSocket.CONNECTING, WebSocket.OPEN, WebSocket.CLOSING, WebSocket.CLOSED], [0, 1, 2, 3]);
  same([WebSocket.prototype.OPEN, WebSocket.READY_STATE_OPEN, WebSocket.READY_STATE_CLOSED],
    [1, 1, 3]);
  same([WebSocket.name, WebSocket.length, `${WebSocket.prototype}`], ["WebSocket", 1,
    "[object WebSocket]"]);
});

test("What one end of a pair sends the other hears, in order and not at once", async () => {
  const [a, b] = pair();
  b.binaryType = "arraybuffer";
  const events = heard(b, 4);
  let heardAtOnce = 0;
  b.addEventListener("message", () => heardAtOnce++);
  const bytes = new Uint8Array([1, 2, 3]);
  a.send("one");
  a.send(bytes);
  bytes[0] = 9;
  a.send(bytes.subarray(0, 2));
  a.send({ toString: () => "object" });
  same(heardAtOnce, 0);
  same(await events, ["one", new Uint8Array([1, 2, 3]).buffer, new Uint8Array([9, 2]).buffer,
    "object"]);
});

test("Binary messages are Blobs unless an ArrayBuffer is asked for", async () => {
  const [a, b] = pair();
  const events = heard(b);
  a.send(new Blob(["xyz"]));
  const [blob] = await events;
  ok(blob instanceof Blob);
  same(await blob.text(), "xyz");
  b.binaryType = "nonsense";
  same(b.binaryType, "blob");
});

test("Messages wait until the end that they are for is accepted", async () => {
  const [a, b] = pair(false);
  a.accept();
  a.send("early");
  const events = heard(b);
  await Promise.resolve();
  b.accept();
  same(await events, ["early"]);
});

test("An end that was not accepted cannot send or close", () => {
  const [a] = pair(false);
  throws("TypeError", () => a.send("x"), "You must call accept()");
  throws("TypeError", () => a.close(), "You must call accept()");
});

test("Closing one end closes the other, and both hear of it", async () => {
  const [a, b] = pair();
  const eventsOfA = heard(a), eventsOfB = heard(b);
  a.close(3001, "done");
  same(a.readyState, 2);
  throws("TypeError", () => a.send("late"), "after close()");
  same(await eventsOfB, [[3001, "done", true]]);
  same((await eventsOfA)[0][0], 3001);
  same([a.readyState, b.readyState], [3, 3]);
  b.send("ignored: the other side closed");
  a.close();
});

test("An end accepted half open still sends after the other has closed", async () => {
  const [a, b] = Object.values(new WebSocketPair());
  a.accept();
  b.accept({ allowHalfOpen: true });
  const events = heard(a), closed = heard(b);
  a.close(1000, "mine");
  same(await closed, [[1000, "mine", true]]);
  same(b.readyState, 2);
  b.close(1001, "yours");
  same(b.readyState, 3);
  same(await events, [[1001, "yours", true]]);
});

test("close() checks the code and the reason", () => {
  const [a] = pair();
  for (const code of [0, 999, 1004, 1005, 1006, 1015, 5000, 65535]) {
    throws("InvalidAccessError", () => a.close(code));
  }
  throws("SyntaxError", () => a.close(1000, "x".repeat(124)));
  throws("SyntaxError", () => a.close(1000, "\u20ac".repeat(42)));
  throws("TypeError", () => a.close(undefined, "why"), "also specify a code");
  same(a.readyState, 1);
  a.close(1001, "x".repeat(123));
});

test("The on... attributes are handlers", async () => {
  const [a, b] = pair();
  const got = new Promise((resolve) => {
    b.onmessage = (event) => resolve([event.data, event.origin, event.constructor.name]);
  });
  a.send("x");
  same(await got, ["x", "", "MessageEvent"]);
  const closed = new Promise((resolve) => {
    b.onclose = (event) => resolve([event.constructor.name, event.isTrusted]);
  });
  a.close();
  same(await closed, ["CloseEvent", true]);
});

test("A listener that throws costs only itself", async () => {
  const [a, b] = pair();
  b.addEventListener("message", () => {
    throw new Error("expected in the log");
  });
  const events = heard(b, 2);
  a.send("1");
  a.send("2");
  same(await events, ["1", "2"]);
});

test("A Response takes a WebSocket with status 101 only", () => {
  const [client] = pair(false);
  const response = new Response(null, { status: 101, webSocket: client });
  ok(response.webSocket === client);
  same(response.status, 101);
  throws("TypeError", () => response.clone(), "WebSocket handshake");
  throws("RangeError", () => new Response(null, { status: 200, webSocket: client }), "101");
  throws("RangeError", () => new Response(null, { webSocket: client }), "101");
  throws("RangeError", () => new Response(null, { status: 101 }));
  throws("TypeError", () => new Response("x", { status: 101, webSocket: client }));
  throws("TypeError", () => new Response(null, { status: 101, webSocket: {} }));
  same(new Response().webSocket, null);
});

test("new WebSocket() checks its URL and its protocols before anything else", () => {
  for (const url of ["", "nonsense", "ftp://a/", "mailto:a@b", "ws://a/#fragment", "ws://a/#"]) {
    throws("SyntaxError", () => new WebSocket(url));
  }
  for (const protocols of ["", "a b", "\u0080", ["a", "a"], ["ok", ""], "a,b"]) {
    throws("SyntaxError", () => new WebSocket("ws://a/", protocols));
  }
  throws("TypeError", () => new WebSocket(), "1 argument required");
  throws("TypeError", () => WebSocket("ws://a/"));
});

test("new WebSocket() is connecting, and cannot be accepted or sent to yet", () => {
  const socket = new WebSocket("https://example.com:443/a?b", ["x", "y"]);
  same([socket.url, socket.readyState, socket.protocol], ["wss://example.com/a?b", 0, ""]);
  throws("InvalidStateError", () => socket.send("x"));
  throws("TypeError", () => socket.accept(), "new WebSocket()");
  throws("InvalidAccessError", () => socket.close(1001));
  socket.close();
  same(socket.readyState, 2);
});

test("Foreign receivers are refused", () => {
  const { prototype } = WebSocket;
  for (const key of ["url", "readyState", "binaryType", "bufferedAmount"]) {
    throws("TypeError", () => prototype[key]);
  }
  throws("TypeError", () => prototype.send.call({}, "x"));
  throws("TypeError", () => prototype.close.call(new EventTarget()));
});
