const parts = (url) => [url.protocol, url.username, url.password, url.host, url.hostname, url.port,
  url.pathname, url.search, url.hash, url.origin];

test("URL takes a URL apart", () => {
  const url = new URL("https://user:pa%20ss@Example.com:8080/a/../b?q=1#frag");
  same(url.href, "https://user:pa%20ss@example.com:8080/b?q=1#frag");
  same(parts(url), ["https:", "user", "pa%20ss", "example.com:8080", "example.com", "8080", "/b",
    "?q=1", "#frag", "https://example.com:8080"]);
  same(String(url), url.href);
  same(JSON.stringify({ url }), `{"url":"${url.href}"}`);
});

test("URL handles every shape of URL", () => {
  for (const [input, href, ...rest] of [
    ["http://a", "http://a/", "http:", "", "", "a", "a", "", "/", "", "", "http://a"],
    ["HTTP://A:80/", "http://a/", "http:", "", "", "a", "a", "", "/", "", "", "http://a"],
    ["http://u@h", "http://u@h/", "http:", "u", "", "h", "h", "", "/", "", "", "http://h"],
    ["http://:p@h", "http://:p@h/", "http:", "", "p", "h", "h", "", "/", "", "", "http://h"],
    ["mailto:a@b", "mailto:a@b", "mailto:", "", "", "", "", "", "a@b", "", "", "null"],
    ["file:///c:/x", "file:///c:/x", "file:", "", "", "", "", "", "/c:/x", "", "", "null"],
    ["web+demo:/.//not-a-host/", "web+demo:/.//not-a-host/", "web+demo:", "", "", "", "", "",
      "//not-a-host/", "", "", "null"],
    ["blob:https://a.b/uuid", "blob:https://a.b/uuid", "blob:", "", "", "", "", "",
      "https://a.b/uuid", "", "", "https://a.b"],
    ["http://[::1]:3/?#", "http://[::1]:3/?#", "http:", "", "", "[::1]:3", "[::1]", "3", "/", "",
      "", "http://[::1]:3"],
    ["http://\u00fc.de/\u20ac?\u20ac", "http://xn--tda.de/%E2%82%AC?%E2%82%AC", "http:", "", "",
      "xn--tda.de", "xn--tda.de", "", "/%E2%82%AC", "?%E2%82%AC", "", "http://xn--tda.de"],
  ]) {
    const url = new URL(input);
    same(url.href, href);
    same(parts(url), rest, input);
  }
});

test("URL resolves against a base", () => {
  same(new URL("../x?y", "http://h/a/b/c").href, "http://h/a/x?y");
  same(new URL("//other", "https://h/").href, "https://other/");
  same(new URL("", "https://h/p?q#f").href, "https://h/p?q");
  same(new URL("x", { toString: () => "http://h/" }).href, "http://h/x");
});

test("URL refuses what is not a URL", () => {
  for (const input of ["", "x", "//h", "http://", "http://a b", "http://a:99999", "http://[::1",
    "https://exa%mple.com", "http://1.2.3.999"]) {
    throws("TypeError", () => new URL(input), "Invalid URL");
    same(URL.canParse(input), false);
    same(URL.parse(input), null);
  }
  throws("TypeError", () => new URL("x", "not a base"), "Invalid URL");
  throws("TypeError", () => new URL(), "1 argument required");
  throws("TypeError", () => new URL(Symbol()), "symbol");
  throws("TypeError", () => URL("http://a"));
  ok(URL.canParse("x", "http://a"));
  same(URL.parse("x", "http://a").href, "http://a/x");
});

test("URL setters follow the standard", () => {
  const url = new URL("https://example.com:8443/p?q#h");
  url.protocol = "http";
  url.host = "h2:81";
  url.username = "me@";
  url.password = "s:";
  url.pathname = "a b";
  url.search = "x=1 2";
  url.hash = "z";
  same(url.href, "http://me%40:s%3A@h2:81/a%20b?x=1%202#z");
  url.port = "";
  url.hostname = "h3";
  url.protocol = "mailto";  // Not between special and other schemes.
  same(url.href, "http://me%40:s%3A@h3/a%20b?x=1%202#z");
  url.port = "99999";
  same(url.port, "");
  url.href = "http://new/";
  same(url.href, "http://new/");
  throws("TypeError", () => { url.href = "nope"; }, "Invalid URL");
  same(url.href, "http://new/");
});

test("URL.searchParams and URL.search are one", () => {
  const url = new URL("http://h/?a=1&b=2");
  const params = url.searchParams;
  ok(params === url.searchParams);
  params.append("c", "3 4");
  same(url.href, "http://h/?a=1&b=2&c=3+4");
  params.delete("a");
  same(url.search, "?b=2&c=3+4");
  url.search = "?z=9";
  same([...params], [["z", "9"]]);
  url.href = "http://h/?y=8";
  same(params.get("y"), "8");
  params.delete("y");
  same(url.href, "http://h/");
});

test("URLSearchParams takes a string, pairs, a record or another", () => {
  same(String(new URLSearchParams("?a=b&c")), "a=b&c=");
  same(String(new URLSearchParams([["a", "b"], ["a", 1]])), "a=b&a=1");
  same(String(new URLSearchParams({ x: "1", y: "\u00e9" })), "x=1&y=%C3%A9");
  same(String(new URLSearchParams(new URLSearchParams("q=1"))), "q=1");
  same(String(new URLSearchParams(new Map([["m", "2"]]))), "m=2");
  same(String(new URLSearchParams(undefined)), "");
  same(String(new URLSearchParams(null)), "null=");
  throws("TypeError", () => new URLSearchParams([["a"]]), "two items");
  throws("TypeError", () => new URLSearchParams([1]));
  throws("TypeError", () => new URLSearchParams({ [Symbol.iterator]: 1 }));
});

test("URLSearchParams decodes and encodes the form encoding", () => {
  same([...new URLSearchParams("a+b=c%20d&%zz=%4&=&&x=1=2&%F0%9F%98%80=%FF")],
    [["a b", "c d"], ["%zz", "%4"], ["", ""], ["x", "1=2"], ["\u{1f600}", "\ufffd"]]);
  same(String(new URLSearchParams([["a b*-._~", "\ud800&=+"]])), "a+b*-._%7E=%EF%BF%BD%26%3D%2B");
});

test("URLSearchParams has its operations", () => {
  const params = new URLSearchParams("a=1&b=2&a=3");
  same([params.get("a"), params.get("z"), params.getAll("a"), params.size], ["1", null, ["1", "3"],
    3]);
  same([params.has("a"), params.has("a", "3"), params.has("a", "4")], [true, true, false]);
  params.set("a", "9");
  same(String(params), "a=9&b=2");
  params.append("a", "1");
  params.delete("a", "9");
  same(String(params), "b=2&a=1");
  params.append("\ud83d\ude00", "x");
  params.append("\ufb03", "y");
  params.append("a", "0");
  params.sort();
  same([...params.keys()], ["a", "a", "b", "\ud83d\ude00", "\ufb03"]);
  same([...params.values()].slice(0, 2), ["1", "0"]);
  throws("TypeError", () => params.append("x"), "Failed to execute 'append' on 'URLSearchParams'");
  const seen = [];
  params.forEach(function (value, key, all) { seen.push(value + key + (all === params) + this); },
    "T");
  same(seen[0], "1atrueT");
  throws("TypeError", () => params.forEach(1));
});

test("URLSearchParams iterates live", () => {
  const params = new URLSearchParams("a=1&b=2&c=3");
  const seen = [];
  for (const [key] of params) {
    seen.push(key);
    if (key === "a") params.delete("b");
  }
  same(seen, ["a", "c"]);
  const iterator = params.entries();
  same(Object.prototype.toString.call(iterator), "[object URLSearchParams Iterator]");
  ok(iterator[Symbol.iterator]() === iterator);
  throws("TypeError", () => iterator.next.call({}));
});

test("URL and URLSearchParams have the shape of interfaces", () => {
  same(Object.prototype.toString.call(new URL("a:b")), "[object URL]");
  ok(Object.keys(URL.prototype).includes("href"));
  same([URL.length, URLSearchParams.length, URL.canParse.length], [1, 0, 1]);
  throws("TypeError", () => Object.getOwnPropertyDescriptor(URL.prototype, "href").get.call({}));
  throws("TypeError", () => URLSearchParams.prototype.get.call({}, "a"));
  ok(URLSearchParams.prototype[Symbol.iterator] === URLSearchParams.prototype.entries);
});

test("URL survives patched built-ins and arguments that run script", () => {
  const { push, sort } = Array.prototype;
  Array.prototype.push = () => { throw new Error("patched"); };
  Array.prototype.sort = () => { throw new Error("patched"); };
  try {
    const params = new URLSearchParams("b=1&a=2");
    params.append("c", "3");
    params.sort();
    same(String(params), "a=2&b=1&c=3");
  } finally {
    Array.prototype.push = push;
    Array.prototype.sort = sort;
  }
  const params = new URLSearchParams("a=1&b=2");
  params.delete({ toString() { params.append("c", "3"); return "a"; } });
  same(String(params), "b=2&c=3");
  const url = new URL("http://h/");
  url.search = { toString() { url.href = "http://other/"; return "?x"; } };
  same(url.href, "http://other/?x");
});

test("A domain of ASCII is taken as it is, whether it is Punycode or not", () => {
  const url = new URL("https://user@XN--a.b.Xn--pokxncvks:8443/xn--/XN--?xn--#xn--");
  same(url.href, "https://user@xn--a.b.xn--pokxncvks:8443/xn--/XN--?xn--#xn--");
  same([url.host, url.origin, url.pathname],
    ["xn--a.b.xn--pokxncvks:8443", "https://xn--a.b.xn--pokxncvks:8443", "/xn--/XN--"]);
  url.port = "";
  url.pathname = "/\u00e4";
  url.search = "xn--x";
  same(url.href, "https://user@xn--a.b.xn--pokxncvks/%C3%A4?xn--x#xn--");
  same(new URL("/c", url).href, "https://user@xn--a.b.xn--pokxncvks/c");
  url.hostname = "xn--";
  same(url.hostname, "xn--");
  url.hostname = "example.com";
  same(url.hostname, "example.com");
  ok(URL.canParse("https://xn--/") && URL.canParse("x", "https://xn--/"));
  // With anything else in it, every label has to be right.
  for (const bad of ["https://xn--a.\u00df/", "https://xn--a.%C3%9F/", "https://xn-- /",
    "https://xn--a|/", "https://xn--a.xn~~/"]) {
    ok(!URL.canParse(bad), bad);
  }
});
