test("Request has the defaults of the standard", () => {
  const request = new Request("https://Example.com:443/a/../b#f");
  same([request.method, request.url, request.redirect, request.body, request.bodyUsed,
    request.integrity, request.keepalive], ["GET", "https://example.com/b#f", "follow", null, false,
    "", false]);
  same([...request.headers], []);
  ok(request.signal instanceof AbortSignal);
  ok(request.signal === request.signal);
  same(new Request(new URL("http://x/y")).url, "http://x/y");
});

test("Request refuses URLs it cannot fetch", () => {
  throws("TypeError", () => new Request("/path"), "Invalid URL");
  throws("TypeError", () => new Request(""), "Invalid URL");
  throws("TypeError", () => new Request("http://user:pass@x/"), "Authorization");
  throws("TypeError", () => new Request());
});

test("Request methods are normalized, and some are refused", () => {
  const method = (method) => new Request("http://x", { method }).method;
  same(method("get"), "GET");
  same(method("pOsT"), "POST");
  same(method("patch"), "patch");
  same(method("QUERY"), "QUERY");
  for (const bad of ["", "a b", "CONNECT", "trace", "TRACK", "G\u00c9T", "A\n"]) {
    throws("TypeError", () => method(bad));
  }
});

test("Request bodies are read like a Response's", async () => {
  const request = new Request("http://x", { method: "POST", body: `{"a":1}` });
  same(request.headers.get("content-type"), "text/plain;charset=UTF-8");
  same(await request.json(), { a: 1 });
  same(request.bodyUsed, true);
  await rejects("TypeError", request.text(), "already been used");
  for (const method of ["GET", "HEAD", undefined]) {
    throws("TypeError", () => new Request("http://x", { method, body: "x" }), "GET or HEAD");
  }
  same(new Request("http://x", { method: "GET", body: null }).body, null);
});

test("A Request made from another takes its body over", async () => {
  const first = new Request("http://x", { method: "PUT", body: "moved", headers: { a: "b" } });
  const second = new Request(first, { headers: { c: "d" } });
  same([first.bodyUsed, second.bodyUsed, second.method], [true, false, "PUT"]);
  same([second.headers.get("a"), second.headers.get("c")], [null, "d"]);
  same(await second.text(), "moved");
  throws("TypeError", () => new Request(first), "already been used");
  same(await new Request(first, { body: "new" }).text(), "new");
  throws("TypeError", () => new Request(new Request("http://x", { method: "POST", body: "x" }),
    { method: "GET" }), "GET or HEAD");
  const streamed = new Request("http://x",
    { method: "POST", body: new Response("stream").body, duplex: "half" });
  same(await new Request(streamed).text(), "stream");
});

test("clone() gives an independent Request", async () => {
  const request = new Request("http://x/y", { method: "POST", body: "twice", headers: { a: "b" } });
  const copy = request.clone();
  same([copy.url, copy.method, copy.headers.get("a")], ["http://x/y", "POST", "b"]);
  same(await copy.text(), "twice");
  same(await request.text(), "twice");
  throws("TypeError", () => request.clone(), "already been used");
});

test("A Request's signal follows the one it was given", () => {
  const controller = new AbortController();
  const request = new Request("http://x", { signal: controller.signal });
  const copy = new Request(request);
  controller.abort("why");
  same([request.signal.aborted, request.signal.reason, copy.signal.aborted], [true, "why", true]);
  same(new Request(request, { signal: null }).signal.aborted, false);
  throws("TypeError", () => new Request("http://x", { signal: {} }));
});

test("Request init is checked", () => {
  throws("TypeError", () => new Request("http://x", 5));
  throws("TypeError", () => new Request("http://x", { redirect: "sometimes" }));
  throws("TypeError", () => new Request("http://x", { cache: "sometimes" }));
  throws("TypeError", () => new Request("http://x", { cache: "only-if-cached" }), "same-origin");
  same(new Request("http://x", { cache: "no-store" }).cache, "no-store");
  throws("Error", () => new Request("http://x", { get method() { throw new Error("mine"); } }),
    "mine");
  same(new Request("http://x", { cf: { a: 1 } }).cf, { a: 1 });
  same(new Request("http://x", null).method, "GET");
});

test("formData() reads both encodings", async () => {
  const urlencoded = new Request("http://x", { method: "POST",
    body: new URLSearchParams([["a", "1 2"], ["a", "\u00e9"]]) });
  same([...await urlencoded.formData()], [["a", "1 2"], ["a", "\u00e9"]]);
  const form = new FormData();
  form.append("text", "line\nline");
  form.append("file\"name", new File(["content"], "a\".txt", { type: "text/x" }));
  const multipart = await new Request("http://x", { method: "POST", body: form }).formData();
  same(multipart.get("text"), "line\r\nline");
  const file = multipart.get("file\"name");
  same([file.name, file.type, await file.text()], ["a\".txt", "text/x", "content"]);
  await rejects("TypeError", new Response("x").formData(), "Content-Type");
  await rejects("TypeError", new Response(new Uint8Array(1)).formData(), "missing");
});

test("Request has every attribute of the standard, and keeps what the init says", () => {
  const names = ["mode", "credentials", "cache", "redirect", "referrer", "referrerPolicy",
    "integrity", "keepalive", "duplex", "destination", "isHistoryNavigation",
    "isReloadNavigation"];
  const all = (request) => names.map((name) => request[name]);
  const plain = ["cors", "same-origin", "default", "follow", "about:client", "", "", false, "half",
    "", false, false];
  same(all(new Request("http://x")), plain);
  const init = { mode: "same-origin", credentials: "omit", cache: "force-cache", redirect: "error",
    referrer: "https://from.example/page", referrerPolicy: "origin", integrity: "sha256-AA==",
    keepalive: true, duplex: "half", priority: "high", window: null };
  const set = ["same-origin", "omit", "force-cache", "error", "https://from.example/page", "origin",
    "sha256-AA==", true, "half", "", false, false];
  const request = new Request("http://x", init);
  same(all(request), set);
  same(all(new Request(request)), set);
  same(all(request.clone()), set);
  same(new Request(request, { credentials: "include" }).referrerPolicy, "origin");
  same(request.credentials, "omit");
  same(new Request("http://x", { referrer: "" }).referrer, "");
  for (const name of names) {
    const { get, set, enumerable } = Object.getOwnPropertyDescriptor(Request.prototype, name);
    same([set, enumerable], [undefined, true]);
    throws("TypeError", () => get.call({}));
  }
});

test("Request refuses values that the standard refuses", () => {
  for (const init of [{ mode: "navigate" }, { mode: "websocket" }, { mode: "" },
    { credentials: "some" }, { duplex: "full" }, { priority: "urgent" }, { window: {} },
    { referrer: "/page" }, { referrerPolicy: "agressive" }, { mode: "no-cors", method: "PUT" },
    { keepalive: true, integrity: Symbol("x") }]) {
    throws("TypeError", () => new Request("http://x", init), "Failed to construct 'Request'");
  }
});

test("The headers of a request with mode no-cors are those that need no permission", () => {
  const request = new Request("http://x", { mode: "no-cors",
    headers: { accept: "text/html", "x-own": "1", "content-type": "application/json" } });
  same([...request.headers], [["accept", "text/html"]]);
  request.headers.set("content-type", "text/plain;charset=x");
  request.headers.set("range", "bytes=0-1");
  request.headers.append("accept", "a".repeat(128));
  request.headers.append("accept-language", "en\"");
  request.headers.delete("x-own");
  same([...request.headers], [["accept", "text/html"], ["content-type", "text/plain;charset=x"]]);
  throws("TypeError", () => new Request("http://x", { method: "POST", keepalive: true,
    body: new ReadableStream() }), "keepalive");
});
