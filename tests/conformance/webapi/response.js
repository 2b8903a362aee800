test("Response has the defaults of the standard", async () => {
  const response = new Response();
  same([response.status, response.statusText, response.ok, response.type, response.url,
    response.redirected, response.body, response.bodyUsed], [200, "", true, "default", "", false,
    null, false]);
  same([...response.headers], []);
  same(await response.text(), "");
  same(Object.prototype.toString.call(response), "[object Response]");
});

test("Response sets Content-Type by its body, unless the headers have one", () => {
  const type = (body, init) => new Response(body, init).headers.get("content-type");
  same(type("text"), "text/plain;charset=UTF-8");
  same(type(5), "text/plain;charset=UTF-8");
  same(type(new URLSearchParams("a=b")), "application/x-www-form-urlencoded;charset=UTF-8");
  same(type(new Uint8Array(1)), null);
  same(type(new ArrayBuffer(1)), null);
  same(type(new Blob(["x"], { type: "image/png" })), "image/png");
  same(type(new Blob(["x"])), null);
  ok(type(new FormData()).startsWith("multipart/form-data; boundary="));
  same(type("text", { headers: { "content-type": "text/html" } }), "text/html");
  same(type(null), null);
  same(type(undefined), null);
});

test("Response reads each kind of body", async () => {
  same(await new Response("h\u00e9\ud800").text(), "h\u00e9\ufffd");
  same(await new Response(new Uint8Array([104, 105])).text(), "hi");
  same(await new Response(new Uint8Array([1, 2, 3, 4]).subarray(1, 3)).bytes(),
    new Uint8Array([2, 3]));
  same(await new Response(new DataView(new Uint8Array([1, 2]).buffer, 1)).bytes(),
    new Uint8Array([2]));
  same(await new Response("hi").arrayBuffer(), new Uint8Array([104, 105]).buffer);
  same(await new Response(new URLSearchParams({ a: "b c" })).text(), "a=b+c");
  same(await new Response(new Blob(["a", "b"])).text(), "ab");
  same(await new Response(`{"a":[1]}`).json(), { a: [1] });
  same(await new Response({ toString: () => "custom" }).text(), "custom");
  same(await new Response([1, 2]).text(), "1,2");
  const blob = await new Response("x", { headers: { "content-type": "a/b" } }).blob();
  same([blob.type, blob.size, await blob.text()], ["a/b", 1, "x"]);
  same(await new Response("\ufeffx").text(), "\ufeffx");
  same(await new Response(new Uint8Array([0xef, 0xbb, 0xbf, 0x78])).text(), "x");
  await rejects("SyntaxError", new Response("{").json());
  await rejects("SyntaxError", new Response("").json());
});

test("Response bodies may be streams and iterables of bytes", async () => {
  const stream = () => new ReadableStream({
    start(controller) {
      controller.enqueue(new Uint8Array([104]));
      controller.enqueue(new Uint8Array([105]).buffer);
      controller.close();
    },
  });
  same(await new Response(stream()).text(), "hi");
  same(new Response(stream()).headers.get("content-type"), null);
  async function* generate() {
    yield new Uint8Array([49]);
    yield new Uint8Array([50]);
  }
  same(await new Response(generate()).text(), "12");
  await rejects("TypeError", new Response(new ReadableStream({
    start(controller) { controller.enqueue("text"); controller.close(); },
  })).text(), "TextEncoder");
  await rejects("Error", new Response(new ReadableStream({
    start(controller) { controller.error(new Error("broken")); },
  })).text(), "broken");
});

test("A body can be used once, and says so", async () => {
  const response = new Response("x");
  same(response.bodyUsed, false);
  await response.text();
  same(response.bodyUsed, true);
  await rejects("TypeError", response.text(), "Body has already been used");
  throws("TypeError", () => response.clone(), "Body has already been used");
  const locked = new Response("x");
  const reader = locked.body.getReader();
  await rejects("TypeError", locked.text(), "locked");
  reader.releaseLock();
  same(await locked.text(), "x");
  const read = new Response("x");
  await read.body.getReader().read();
  same(read.bodyUsed, true);
});

test("body is a byte stream of the content, the same one each time", async () => {
  const response = new Response("abc");
  ok(response.body === response.body);
  ok(response.body instanceof ReadableStream);
  const reader = response.body.getReader({ mode: "byob" });
  const { value } = await reader.read(new Uint8Array(2));
  same([...value], [97, 98]);
  const other = new Response("");
  same(await other.body.getReader().read(), { value: undefined, done: true });
  const chunks = [];
  for await (const chunk of new Response("xy").body) chunks.push(...chunk);
  same(chunks, [120, 121]);
});

test("A stream taken from one Response makes another", async () => {
  const first = new Response("moved");
  const second = new Response(first.body, { status: 201 });
  same(await second.text(), "moved");
  same(first.bodyUsed, true);
  throws("TypeError", () => new Response(first.body), "already been used");
});

test("clone() gives two bodies that are read apart", async () => {
  for (const make of [
    () => new Response("text"),
    () => new Response(new TextEncoder().encode("text")),
    () => new Response(new Response("text").body),
    () => { const r = new Response("text"); r.body; return r; }]) {
    const response = make();
    const copy = response.clone();
    same(await copy.text(), "text");
    same(response.bodyUsed, false);
    same(await response.text(), "text");
  }
  const copy = new Response("x", { status: 404, statusText: "No", headers: { a: "b" } }).clone();
  same([copy.status, copy.statusText, copy.headers.get("a")], [404, "No", "b"]);
  const original = new Response(null, { headers: { a: "b" } });
  original.clone().headers.set("a", "c");
  same(original.headers.get("a"), "b");
});

test("Response refuses statuses and bodies that HTTP has not", () => {
  for (const status of [0, 100, 101, 199, 600, 1000, "x", NaN]) {
    throws("RangeError", () => new Response(null, { status }));
  }
  same(new Response(null, { status: 599 }).status, 599);
  same(new Response(null, { status: "404" }).status, 404);
  for (const status of [204, 205, 304]) {
    throws("TypeError", () => new Response("x", { status }), "null body status");
    throws("TypeError", () => new Response("", { status }), "null body status");
    same(new Response(null, { status }).status, status);
  }
  throws("TypeError", () => new Response(null, { statusText: "a\r\nb" }));
  throws("TypeError", () => new Response(null, { statusText: "\u0100" }));
  throws("TypeError", () => new Response(null, 5));
  throws("TypeError", () => new Response(Symbol()));
  throws("TypeError", () => new Response(null, { webSocket: {} }));
});

test("A Response will do as the init of another", () => {
  const source = new Response("x", { status: 418, statusText: "Tea", headers: { a: "b" } });
  const copy = new Response("y", source);
  same([copy.status, copy.statusText, copy.headers.get("a")], [418, "Tea", "b"]);
});

test("Response.json() writes JSON", async () => {
  const response = Response.json({ a: [1, null] }, { status: 201, headers: { x: "y" } });
  same([response.status, response.headers.get("content-type"), response.headers.get("x")],
    [201, "application/json", "y"]);
  same(await response.text(), `{"a":[1,null]}`);
  same(Response.json(1, { headers: { "content-type": "a/b" } }).headers.get("content-type"), "a/b");
  throws("TypeError", () => Response.json(undefined));
  throws("TypeError", () => Response.json(() => 1));
  throws("TypeError", () => Response.json());
  throws("TypeError", () => Response.json(1, { status: 204 }));
  throws("Error", () => Response.json({ toJSON() { throw new Error("mine"); } }), "mine");
  const circular = {};
  circular.self = circular;
  throws("TypeError", () => Response.json(circular));
});

test("Response.redirect() and Response.error() are what the standard says", () => {
  const response = Response.redirect("https://example.com/a b", 307);
  same([response.status, response.headers.get("location")], [307, "https://example.com/a%20b"]);
  same(Response.redirect("http://x").status, 302);
  throws("TypeError", () => response.headers.set("a", "b"), "immutable");
  throws("TypeError", () => Response.redirect("/path"), "absolute");
  throws("RangeError", () => Response.redirect("http://x", 200));
  const error = Response.error();
  same([error.type, error.status, error.ok], ["error", 0, false]);
  throws("TypeError", () => error.headers.append("a", "b"), "immutable");
});

test("Reading rejects, never throws, for a wrong receiver", async () => {
  for (const name of ["text", "json", "arrayBuffer", "bytes", "blob", "formData"]) {
    await rejects("TypeError", Response.prototype[name].call({}));
    await rejects("TypeError", Request.prototype[name].call(null));
  }
  const { get } = Object.getOwnPropertyDescriptor(Response.prototype, "status");
  throws("TypeError", () => get.call({}));
});

test("A body copied in does not change with its buffer", async () => {
  const bytes = new Uint8Array([97]);
  const response = new Response(bytes);
  bytes[0] = 98;
  same(await response.text(), "a");
});

test("Patched prototypes do not reach into a Response", async () => {
  const saved = [];
  const patch = (holder, name) => {
    saved[saved.length] = [holder, name, Object.getOwnPropertyDescriptor(holder, name)];
    Object.defineProperty(holder, name,
      { value() { throw new Error(`patched ${String(name)}`); }, configurable: true });
  };
  let text;
  const encoded = new Uint8Array([104, 105]);
  try {
    patch(Array.prototype, "push");
    patch(Array.prototype, "map");
    patch(Promise.prototype, "then");
    patch(Uint8Array.prototype.__proto__, "set");
    patch(ReadableStream.prototype, "getReader");
    patch(ReadableStreamDefaultReader.prototype, "read");
    text = await new Response(new Response(encoded).body).text();
  } finally {
    for (const [holder, name, descriptor] of saved) Object.defineProperty(holder, name, descriptor);
  }
  same(text, "hi");
});

test("The stream of a body that was read cannot be read again", async () => {
  const response = new Response("x");
  await response.text();
  ok(response.body.locked);
  throws("TypeError", () => response.body.getReader());
});

test("A clone's chunks are its own", async () => {
  const chunk = new Uint8Array([1, 2]);
  const response = new Response(new ReadableStream({
    start(controller) {
      controller.enqueue(chunk);
      controller.close();
    },
  }));
  const clone = response.clone();
  const [first, second] = await Promise.all(
    [response, clone].map((one) => one.body.getReader().read()));
  ok(first.value === chunk);
  ok(second.value !== chunk && second.value.buffer !== chunk.buffer);
  same(second.value, chunk);
});

test("A body is read past what was made of Object.prototype", async () => {
  const response = new Response(new ReadableStream({
    start(controller) {
      controller.enqueue(new TextEncoder().encode("hello"));
      controller.close();
    },
  }));
  Object.prototype.then = function (resolve) {
    delete Object.prototype.then;
    resolve({ done: true });
  };
  try {
    same(await response.text(), "hello");
  } finally {
    delete Object.prototype.then;
  }
});

test("formData() reads the body before it looks at its type", async () => {
  const broken = new ReadableStream({ pull() { throw new RangeError("mine"); } });
  await rejects("RangeError", new Response(broken).formData(), "mine");
});
