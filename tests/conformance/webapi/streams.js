const tick = () => new Promise((resolve) => setTimeout(resolve, 1));
const read = async (stream) => {
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  return chunks;
};
const filled = (...chunks) => new ReadableStream({
  start(controller) {
    for (const chunk of chunks) controller.enqueue(chunk);
    controller.close();
  },
});

test("A reader gets the chunks, then the end", async () => {
  const stream = filled(1, 2);
  const reader = stream.getReader();
  same([await reader.read(), await reader.read(), await reader.read()],
    [{ value: 1, done: false }, { value: 2, done: false }, { value: undefined, done: true }]);
  await reader.closed;
  ok(stream.locked);
  reader.releaseLock();
  ok(!stream.locked);
});

test("A source is pulled up to the high-water mark and no further", async () => {
  const pulls = [];
  let next = 0;
  const stream = new ReadableStream({
    pull(controller) {
      pulls.push(controller.desiredSize);
      controller.enqueue(next++);
      if (next > 3) controller.close();
    },
  }, { highWaterMark: 2 });
  await tick();
  same(pulls, [2, 1]);
  same(await read(stream), [0, 1, 2, 3]);
});

test("Errors of start, pull, size and the controller reach the reader", async () => {
  const first = (source, strategy) => new ReadableStream(source, strategy).getReader().read();
  await rejects("Error", first({ start(c) { c.enqueue(1); c.error(new Error("x")); } }), "x");
  await rejects("Error", first({ start: () => Promise.reject(new Error("s")) }), "s");
  await rejects("Error", first({ pull() { throw new Error("p"); } }), "p");
  await rejects("RangeError", first({ start(c) { throws("RangeError", () => c.enqueue({})); } },
    { size: () => -1 }));
  throws("RangeError", () => new ReadableStream({ start() { throw new RangeError("now"); } }),
    "now");
});

test("Canceling reaches the source once, with the reason", async () => {
  const seen = [];
  const stream = new ReadableStream({ cancel(reason) { seen.push(reason); return 5; } });
  same(await stream.cancel("why"), undefined);
  same(await stream.getReader().read(), { value: undefined, done: true });
  same(seen, ["why"]);
  await rejects("Error", new ReadableStream({ cancel() { throw new Error("z"); } }).cancel(), "z");
});

test("A released reader rejects what it was asked", async () => {
  const stream = new ReadableStream();
  const reader = stream.getReader();
  const pending = rejects("TypeError", reader.read());
  const closed = rejects("TypeError", reader.closed);
  reader.releaseLock();
  await Promise.all([pending, closed]);
  await rejects("TypeError", reader.read());
  ok(!stream.locked);
});

test("tee gives both branches everything and cancels the source when both are canceled",
  async () => {
  const [a, b] = filled(1, 2).tee();
  same([await read(a), await read(b)], [[1, 2], [1, 2]]);
  const seen = [];
  const [c, d] = new ReadableStream({ cancel(reason) { seen.push(reason); } }).tee();
  c.cancel(1);
  await d.cancel(2);
  same(seen, [[1, 2]]);
  let controller;
  for (const branch of new ReadableStream({ start(x) { controller = x; } }).tee()) {
    controller.error(new Error("q"));
    await rejects("Error", branch.getReader().read(), "q");
  }
});

test("ReadableStream.from takes iterables of both kinds", async () => {
  same(await read(ReadableStream.from([1, 2])), [1, 2]);
  same(await read(ReadableStream.from("ab")), ["a", "b"]);
  same(await read(ReadableStream.from((async function* () { yield 1; yield 2; })())), [1, 2]);
  same(await read(ReadableStream.from((function* () { yield Promise.resolve(7); })())), [7]);
  for (const value of [null, 1, {}, { [Symbol.iterator]: 3 }]) {
    throws("TypeError", () => ReadableStream.from(value));
  }
  const seen = [];
  const iterable = { [Symbol.asyncIterator]: () => ({
    next: () => ({ value: 1 }), return: (reason) => (seen.push(reason), {}) }) };
  await ReadableStream.from(iterable).cancel("bye");
  same(seen, ["bye"]);
});

test("for await releases the stream, and cancels it unless told not to", async () => {
  const seen = [];
  const make = () => new ReadableStream({
    start(c) { c.enqueue(1); c.enqueue(2); }, cancel() { seen.push("canceled"); } });
  let stream = make();
  for await (const chunk of stream) { same(chunk, 1); break; }
  same([stream.locked, seen], [false, ["canceled"]]);
  stream = make();
  for await (const chunk of stream.values({ preventCancel: true })) { same(chunk, 1); break; }
  same([stream.locked, seen.length, (await stream.getReader().read()).value], [false, 1, 2]);
});

test("Calls of an iterator's next and return wait for each other", async () => {
  let controller;
  const iterator = new ReadableStream({ start(x) { controller = x; } }).values();
  const all = Promise.all([iterator.next(), iterator.next(), iterator.return("R"),
    iterator.next()]);
  controller.enqueue("a");
  await tick();
  controller.enqueue("b");
  same((await all).map(({ value, done }) => [value, done]),
    [["a", false], ["b", false], ["R", true], [undefined, true]]);
});

test("Byte streams serve both kinds of reader", async () => {
  const stream = new ReadableStream({ type: "bytes",
    pull(c) { c.enqueue(new Uint8Array([1, 2, 3])); } });
  const reader = stream.getReader();
  same((await reader.read()).value, new Uint8Array([1, 2, 3]));
  reader.releaseLock();
  const byob = stream.getReader({ mode: "byob" });
  same((await byob.read(new Uint8Array(2))).value, new Uint8Array([1, 2]));
  same((await byob.read(new Uint16Array(4))).value, new Uint16Array([0x103, 0x302]));
});

test("A source writes into the reader's own buffer", async () => {
  let next = 0;
  const stream = new ReadableStream({ type: "bytes", pull(c) {
    c.byobRequest.view[0] = ++next;
    c.byobRequest.respond(1);
  } });
  const reader = stream.getReader({ mode: "byob" });
  const mine = new Uint8Array(5);
  same((await reader.read(mine)).value, new Uint8Array([1]));
  same(mine.byteLength, 0);
  same((await reader.read(new Uint8Array(5), { min: 3 })).value, new Uint8Array([2, 3, 4]));
  same((await reader.read(new Uint16Array(2))).value.length, 1);
  for (const [view, options] of [[new Uint8Array(0)], [new Uint8Array(1), { min: 0 }], [{}]]) {
    await rejects("TypeError", reader.read(view, options));
  }
  await rejects("RangeError", reader.read(new Uint8Array(1), { min: 2 }));
});

test("Wrong answers to a BYOB request are refused", async () => {
  let c;
  const stream = new ReadableStream({ type: "bytes", start(x) { c = x; } });
  const pending = stream.getReader({ mode: "byob" }).read(new Uint8Array(4));
  const request = c.byobRequest;
  throws("TypeError", () => request.respond(0));
  throws("RangeError", () => request.respond(5));
  throws("TypeError", () => request.respond(-1));
  throws("RangeError", () => request.respondWithNewView(new Uint8Array(2)));
  throws("RangeError", () => request.respondWithNewView(new Uint8Array(request.view.buffer, 1, 1)));
  throws("TypeError", () => request.respondWithNewView({}));
  throws("TypeError", () => c.enqueue(new Uint8Array(0)));
  throws("TypeError", () => request.respond({ valueOf() { request.respond(1); return 1; } }));
  same((await pending).value.length, 1);
  throws("TypeError", () => request.respond(1));
  same(request.view, null);
});

test("A closed byte stream gives the reader's buffer back", async () => {
  let c;
  const stream = new ReadableStream({ type: "bytes", start(x) { c = x; } });
  const reader = stream.getReader({ mode: "byob" });
  const pending = reader.read(new Uint8Array(4));
  c.close();
  c.byobRequest.respond(0);
  same(await pending, { value: new Uint8Array(0), done: true });
  same((await reader.read(new Uint8Array(2))).value.buffer.byteLength, 2);
});

test("A byte stream's tee copies for the second branch", async () => {
  let next = 0;
  const stream = new ReadableStream({ type: "bytes", pull(c) {
    if (++next > 3) {
      c.close();
      c.byobRequest?.respond(0);
    } else if (c.byobRequest) {
      c.byobRequest.view[0] = next;
      c.byobRequest.respond(1);
    } else {
      c.enqueue(new Uint8Array([next]));
    }
  } });
  const [a, b] = stream.tee();
  const byob = a.getReader({ mode: "byob" }), plain = b.getReader();
  const results = await Promise.all([byob.read(new Uint8Array(4)), plain.read(), plain.read(),
    byob.read(new Uint8Array(1)), byob.read(new Uint8Array(7)), plain.read(), plain.read()]);
  same(results.map(({ value }) => value && value[0]), [1, 1, 2, 2, 3, 3, undefined]);
});

test("A writer writes in order, with backpressure, and closes", async () => {
  const seen = [];
  const stream = new WritableStream({ write(x) { seen.push(x); }, close() { seen.push("close"); } },
    { highWaterMark: 2 });
  const writer = stream.getWriter();
  same(writer.desiredSize, 2);
  writer.write(1);
  writer.write(2);
  same(writer.desiredSize, 0);
  await writer.ready;
  await writer.close();
  await writer.closed;
  same(seen, [1, 2, "close"]);
  await rejects("TypeError", writer.write(3));
  await rejects("TypeError", writer.close());
});

test("Aborting tells the sink, its signal and every waiting write", async () => {
  let controller;
  const seen = [];
  const stream = new WritableStream({ start(c) { controller = c; }, abort(r) { seen.push(r); } });
  const writer = stream.getWriter();
  controller.signal.addEventListener("abort", () => seen.push("signal"));
  const write = writer.write(1).catch((reason) => reason);
  same(await writer.abort("A"), undefined);
  same([await write, await writer.closed.catch((reason) => reason)], ["A", "A"]);
  same(seen, ["signal", "A"]);
  same(writer.desiredSize, null);
});

test("A sink's error errors the stream", async () => {
  const writer = new WritableStream({ write(x) { throw new Error("bad" + x); } }).getWriter();
  await rejects("Error", writer.write(1), "bad1");
  await rejects("Error", writer.closed, "bad1");
  await rejects("Error", writer.ready, "bad1");
  await rejects("TypeError", writer.close());
});

test("pipeTo moves everything, then closes, and unlocks both", async () => {
  const seen = [];
  const source = filled(...Array(200).keys());
  const target = new WritableStream({ write(x) { seen.push(x); },
    close() { seen.push("close"); } });
  await source.pipeTo(target);
  same([seen.length, seen[199], seen[200], source.locked, target.locked], [201, 199, "close",
    false, false]);
});

test("pipeTo carries errors both ways unless prevented", async () => {
  const seen = [];
  const failing = () => new ReadableStream({ start(c) { c.enqueue(1); },
    pull(c) { c.error(new Error("src")); } });
  const sink = { abort(error) { seen.push("abort " + error.message); } };
  await rejects("Error", failing().pipeTo(new WritableStream(sink)), "src");
  await rejects("Error", failing().pipeTo(new WritableStream(sink), { preventAbort: true }), "src");
  same(seen, ["abort src"]);
  const source = () => new ReadableStream({ pull(c) { c.enqueue(1); },
    cancel(error) { seen.push("cancel " + error.message); } });
  const broken = () => new WritableStream({ write() { throw new Error("dst"); } });
  await rejects("Error", source().pipeTo(broken()), "dst");
  await rejects("Error", source().pipeTo(broken(), { preventCancel: true }), "dst");
  same(seen, ["abort src", "cancel dst"]);
  const closed = new WritableStream();
  await closed.close();
  await rejects("TypeError", source().pipeTo(closed));
  const open = new WritableStream();
  await filled(1).pipeTo(open, { preventClose: true });
  await open.getWriter().write(2);
});

test("pipeTo stops on its signal", async () => {
  const controller = new AbortController();
  const seen = [];
  const source = new ReadableStream({ cancel(reason) { seen.push("cancel " + reason); } });
  const target = new WritableStream({ abort(reason) { seen.push("abort " + reason); } });
  const piping = source.pipeTo(target, { signal: controller.signal }).catch((reason) => reason);
  await tick();
  controller.abort("S");
  same(await piping, "S");
  same(seen.sort(), ["abort S", "cancel S"]);
  await rejects("TypeError", new ReadableStream().pipeTo({}));
  throws("TypeError", () => new ReadableStream().pipeThrough({}));
});

test("TransformStream transforms, flushes and carries errors", async () => {
  const upper = new TransformStream({ start(c) { c.enqueue("s"); },
    transform(x, c) { c.enqueue(x * 2); }, flush(c) { c.enqueue("f"); } });
  same(await read(filled(1, 2).pipeThrough(upper)), ["s", 2, 4, "f"]);
  same(await read(filled("a").pipeThrough(new TransformStream())), ["a"]);
  const failing = new TransformStream({ transform() { throw new Error("t"); } });
  await rejects("Error", read(filled(1).pipeThrough(failing)), "t");
  const ending = new TransformStream({ transform(x, c) { c.enqueue(x); c.terminate(); } });
  same(await read(filled(1, 2, 3).pipeThrough(ending)), [1]);
  const canceled = [];
  const early = new TransformStream({ cancel(reason) { canceled.push(reason); } });
  await early.readable.cancel("X");
  same([canceled, await early.writable.getWriter().closed.catch((e) => e)], [["X"], "X"]);
});

test("IdentityTransformStream passes bytes and holds writers until they are read", async () => {
  const { readable, writable } = new IdentityTransformStream();
  const writer = writable.getWriter();
  let written = false;
  const writing = writer.write(new Uint8Array([1, 2])).then(() => { written = true; });
  await tick();
  same(written, false);
  const reader = readable.getReader({ mode: "byob" });
  same((await reader.read(new Uint8Array(1))).value, new Uint8Array([1]));
  same((await reader.read(new Uint8Array(9))).value, new Uint8Array([2]));
  await writing;
  await rejects("TypeError", new IdentityTransformStream().writable.getWriter().write("text"),
    "bytes");
});

test("FixedLengthStream insists on its length", async () => {
  const exact = new FixedLengthStream(3);
  const writer = exact.writable.getWriter();
  writer.write(new Uint8Array(3));
  writer.close();
  same((await read(exact.readable)).length, 1);
  const more = new FixedLengthStream(1);
  read(more.readable).catch(() => {});
  await rejects("TypeError", more.writable.getWriter().write(new Uint8Array(2)), "too many bytes");
  const fewer = new FixedLengthStream(2);
  read(fewer.readable).catch(() => {});
  await rejects("TypeError", fewer.writable.close(), "did not see all expected bytes");
  throws("TypeError", () => new FixedLengthStream(-1));
  ok(exact instanceof IdentityTransformStream && exact instanceof TransformStream);
});

test("Constructors refuse what the standard refuses", () => {
  for (const [name, make] of [
    ["TypeError", () => new ReadableStream(null)],
    ["TypeError", () => new ReadableStream({ type: "x" })],
    ["RangeError", () => new ReadableStream({}, { highWaterMark: -1 })],
    ["RangeError", () => new ReadableStream({}, { highWaterMark: NaN })],
    ["RangeError", () => new ReadableStream({ type: "bytes" }, { size() {} })],
    ["TypeError", () => new ReadableStream({ pull: 5 })],
    ["TypeError", () => new ReadableStream({ type: "bytes", autoAllocateChunkSize: 0 })],
    ["RangeError", () => new WritableStream({ type: 1 })],
    ["RangeError", () => new TransformStream({ readableType: 1 })],
    ["TypeError", () => new CountQueuingStrategy()],
    ["TypeError", () => new ReadableStreamDefaultReader({})],
    ["TypeError", () => new ReadableStream().getReader({ mode: "byob" })],
    ["TypeError", () => new ReadableStreamDefaultController()],
    ["TypeError", () => Object.getOwnPropertyDescriptor(ReadableStream.prototype,
      "locked").get.call({})],
  ]) throws(name, make);
  same(new ByteLengthQueuingStrategy({ highWaterMark: 3 }).size({ byteLength: 4 }), 4);
});

test("Streams survive patched built-ins", async () => {
  const saved = [[Array.prototype, "push"], [Promise.prototype, "then"], [Map.prototype, "get"],
    [Set.prototype, "add"], [Array.prototype, Symbol.iterator]].map(([holder, key]) => [holder,
      key, holder[key]]);
  let result, failure;
  for (let i = 0; i < saved.length; i++) saved[i][0][saved[i][1]] = () =>
    { throw new Error("patched"); };
  try {
    const doubled = new TransformStream({ transform(x, c) { c.enqueue(x * 2); } });
    const reader = new ReadableStream({ start(c) { c.enqueue(4); c.close(); } })
      .pipeThrough(doubled).getReader();
    result = (await reader.read()).value;
  } catch (error) {
    failure = error;
  }
  for (let i = 0; i < saved.length; i++) saved[i][0][saved[i][1]] = saved[i][2];
  same([failure, result], [undefined, 8]);
});

test("A BYOB reader's buffer that is detached or resized by the source harms nobody", async () => {
  let c;
  const stream = new ReadableStream({ type: "bytes", start(x) { c = x; } });
  const pending = stream.getReader({ mode: "byob" }).read(new Uint8Array(8));
  pending.catch(() => {});
  c.byobRequest.view.buffer.transfer();
  throws("TypeError", () => c.byobRequest.respond(1), "detached");
  throws("TypeError", () => c.enqueue(new Uint8Array(1)), "detached");
  const resizable = new ArrayBuffer(8, { maxByteLength: 16 });
  let d;
  const other = new ReadableStream({ type: "bytes", start(x) { d = x; } });
  other.getReader({ mode: "byob" }).read(new Uint8Array(resizable)).catch(() => {});
  d.byobRequest.view.buffer.resize(0);
  try {
    d.enqueue(new Uint8Array(4));
  } catch (error) {
    ok(error instanceof TypeError || error instanceof RangeError);
  }
});

test("Long queues drain without recursion", async () => {
  const many = () => new ReadableStream({ start(c) {
    for (let i = 0; i < 50_000; i++) c.enqueue(new Uint8Array(1));
    c.close();
  } });
  same((await new Response(many()).arrayBuffer()).byteLength, 50_000);
  let count = 0;
  await many().pipeTo(new WritableStream({ write() { count++; } }, { highWaterMark: 1e9 }));
  same(count, 50_000);
});
