/** What an EventSource made from these chunks tells, until it is over. */
function events(...chunks) {
  const stream = new ReadableStream({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(new TextEncoder().encode(chunk));
      controller.close();
    },
  });
  const source = EventSource.from(stream);
  const seen = [];
  const types = ["open", "message", "a", "b"];
  return new Promise((resolve) => {
    for (const type of types) {
      source.addEventListener(type, (event) => {
        if (type !== "open") seen.push([event.type, event.data, event.lastEventId]);
      });
    }
    source.onerror = () => resolve(seen);
  });
}

test("EventSource.from() gives a stream's events and closes", async () => {
  same(await events("data: one\n\ndata: two\ndata:three\n\n"),
    [["message", "one", ""], ["message", "two\nthree", ""]]);
  same(await events("event: a\nid: 7\ndata: x\n\nevent:b\ndata\n\n"),
    [["a", "x", "7"], ["b", "", "7"]]);
});

test("Lines end in LF, CR or both, wherever the stream is cut", async () => {
  const text = "id:1\r\ndata:a\rdata:b\n\r\ndata: c\r\r";
  const expected = [["message", "a\nb", "1"], ["message", "c", "1"]];
  same(await events(text), expected);
  same(await events(...text), expected);
});

test("Comments, unknown fields and unfinished events are nothing", async () => {
  same(await events(": comment\nfoo: bar\ndata: x\n\nevent: a\n\ndata: unfinished"),
    [["message", "x", ""]]);
  same(await events("\ufeffdata: bom\n\n\ufeffdata: none\n\n"), [["message", "bom", ""]]);
  same(await events("id: a\0b\ndata: x\n\nid\ndata: y\n\n"), [["message", "x", ""],
    ["message", "y", ""]]);
});

test("close() ends it without another event", async () => {
  const source = EventSource.from(new Response("data: 1\n\ndata: 2\n\n").body);
  const seen = [];
  source.onerror = () => seen.push("error");
  await new Promise((resolve) => {
    source.onmessage = (event) => {
      seen.push(event.data);
      source.close();
      resolve();
    };
  });
  await scheduler.wait(1);
  same([seen, source.readyState], [["1"], 2]);
});

test("The constructor checks its arguments, and connects", () => {
  throws("TypeError", () => new EventSource());
  throws("SyntaxError", () => new EventSource("nonsense"));
  throws("TypeError", () => EventSource("http://a/"));
  throws("TypeError", () => EventSource.from({}));
  const source = new EventSource("http://example.com/x", { withCredentials: true });
  same([source.url, source.readyState, source.withCredentials],
    ["http://example.com/x", 0, true]);
  same([EventSource.CONNECTING, EventSource.OPEN, EventSource.CLOSED], [0, 1, 2]);
  source.close();
  same(source.readyState, 2);
});
