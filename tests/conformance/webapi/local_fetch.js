// blob: and data: URLs. https://fetch.spec.whatwg.org/#scheme-fetch

async function seen(url, init) {
  const response = await fetch(url, init);
  return [response.status, response.statusText, response.type, response.url === url,
    response.headers.get("content-type"), await response.text()];
}

test("A blob's URL can be fetched until it is revoked", async () => {
  const blob = new Blob(["content"], { type: "text/x" });
  const url = URL.createObjectURL(blob);
  same([url.startsWith("blob:"), URL.canParse(url), url !== URL.createObjectURL(blob)],
    [true, true, true]);
  same(await seen(url), [200, "OK", "basic", true, "text/x", "content"]);
  same((await fetch(`${url}#part`)).url, url);
  const early = new Request(url);
  URL.revokeObjectURL(`${url}#part`);
  same((await fetch(url)).headers.get("content-length"), "7");
  URL.revokeObjectURL(url);
  await rejects("TypeError", fetch(url), "revoked");
  same(await (await fetch(early.clone())).text(), "content");
  URL.revokeObjectURL(url);
  URL.revokeObjectURL("no URL");
  throws("TypeError", () => URL.createObjectURL({}), "Blob");
  throws("TypeError", () => URL.createObjectURL());
});

test("A blob's URL is exact, and for GET alone", async () => {
  const url = URL.createObjectURL(new Blob(["x"]));
  await rejects("TypeError", fetch(`${url}?q`));
  await rejects("TypeError", fetch(`${url}/p`));
  for (const method of ["HEAD", "POST", "PUT", "DELETE"]) {
    await rejects("TypeError", fetch(url, { method }), "only be got");
  }
});

test("A range of a blob is fetched as the standard has it", async () => {
  const url = URL.createObjectURL(new Blob(["0123456789"]));
  const part = async (range) => {
    const response = await fetch(url, { headers: { range } });
    return [response.status, response.headers.get("content-range"), await response.text()];
  };
  same(await part("bytes=2-4"), [206, "bytes 2-4/10", "234"]);
  same(await part("bytes=8-"), [206, "bytes 8-9/10", "89"]);
  same(await part("bytes=-3"), [206, "bytes 7-9/10", "789"]);
  same(await part("bytes=-30"), [206, "bytes 0-9/10", "0123456789"]);
  same(await part("bytes = 0 - 99"), [206, "bytes 0-9/10", "0123456789"]);
  for (const bad of ["bytes=10-", "bytes=4-2", "bytes=-", "bytes=0-1,3-4", "lines=0-1", "bytes",
    "bytes=a-b"]) {
    await rejects("TypeError", part(bad), "Range");
  }
});

test("data: URLs are fetched as the standard has it", async () => {
  same(await seen("data:,a%20b"),
    [200, "OK", "basic", true, "text/plain;charset=US-ASCII", "a b"]);
  same(await seen("data:text/html;charset=utf-8;base64,PGI%2B"),
    [200, "OK", "basic", true, "text/html;charset=utf-8", "<b>"]);
  same(await seen("data:;charset=x,%zz%4"),
    [200, "OK", "basic", true, "text/plain;charset=x", "%zz%4"]);
  same((await seen("data:no type,x"))[4], "text/plain;charset=US-ASCII");
  same((await seen("data:a/b;  BASE64,eA"))[5], "x");
  same((await seen("data:,x", { method: "HEAD" }))[5], "");
  same((await seen("data:,x", { method: "POST", body: "y" }))[5], "x");
  same(new Uint8Array(await (await fetch("data:,%ff%00")).arrayBuffer()), new Uint8Array([255, 0]));
  await rejects("TypeError", fetch("data:no comma"), "comma");
  await rejects("TypeError", fetch("data:;base64,***"), "base64");
  await rejects("TypeError", fetch("about:blank"), "Only http");
});

test("A response that is not what its integrity says is an error", async () => {
  const url = "data:,hello";
  const good = "sha256-LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=";
  const wrong = `sha256-${"A".repeat(43)}=`;
  same(await (await fetch(url, { integrity: good })).text(), "hello");
  same(await (await fetch(url, { integrity: ` ${wrong} ${good}?x ` })).text(), "hello");
  same(await (await fetch(url, { integrity: "md5-x sha1-y" })).text(), "hello");
  await rejects("TypeError", fetch(url, { integrity: wrong }), "integrity");
  // The strongest algorithm decides.
  await rejects("TypeError", fetch(url, { integrity: `${good} sha512-AAAA` }), "integrity");
});
