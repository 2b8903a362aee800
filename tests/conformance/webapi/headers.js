test("Headers are case-insensitive, combined with a comma, and sorted when iterated", () => {
  const headers = new Headers([["B", "1"], ["a", "2"], ["b", "3"]]);
  headers.append("Set-Cookie", "x=1");
  headers.append("set-cookie", "y=2");
  same(headers.get("b"), "1, 3");
  same([...headers], [["a", "2"], ["b", "1, 3"], ["set-cookie", "x=1"], ["set-cookie", "y=2"]]);
  same([...headers.keys()], ["a", "b", "set-cookie", "set-cookie"]);
  same([...headers.values()], ["2", "1, 3", "x=1", "y=2"]);
  same(headers.getSetCookie(), ["x=1", "y=2"]);
  same(headers.getAll("Set-Cookie"), ["x=1", "y=2"]);
  same(headers.get("set-cookie"), "x=1, y=2");
  same(headers.get("missing"), null);
  same(headers.has("A"), true);
  headers.set("B", "only");
  same(headers.get("b"), "only");
  headers.delete("b");
  same(headers.has("b"), false);
  const seen = [];
  headers.forEach((value, name, self) => seen.push([value, name, self === headers]));
  same(seen[0], ["2", "a", true]);
});

test("Headers can be made of Headers, pairs of any iterable, and objects", () => {
  same([...new Headers()], []);
  same([...new Headers(undefined)], []);
  same([...new Headers({ A: 1, b: "x" })], [["a", "1"], ["b", "x"]]);
  same([...new Headers(new Map([["k", "v"]]))], [["k", "v"]]);
  same([...new Headers(new Headers({ a: "1" }))], [["a", "1"]]);
  same([...new Headers([new Set(["n", "v"])])], [["n", "v"]]);
  const object = Object.create({ inherited: "no" }, { hidden: { value: "no", enumerable: false } });
  object.own = "yes";
  same([...new Headers(object)], [["own", "yes"]]);
  throws("TypeError", () => new Headers(null));
  throws("TypeError", () => new Headers(5));
  throws("TypeError", () => new Headers("a: b"));
  throws("TypeError", () => new Headers([["one"]]));
  throws("TypeError", () => new Headers([["one", "two", "three"]]));
  throws("TypeError", () => new Headers([5]));
  throws("TypeError", () => new Headers({ [Symbol()]: "x" }));
  throws("Error", () => new Headers({ get a() { throw new Error("mine"); } }), "mine");
});

test("Header names must be tokens", () => {
  for (const bad of ["", " ", "a b", "a:", "a\n", "a\0", "\u00e9", "(a)", "a,b", "\ud800"]) {
    throws("TypeError", () => new Headers().append(bad, "x"));
    throws("TypeError", () => new Headers().get(bad));
    throws("TypeError", () => new Headers({ [bad]: "x" }));
  }
  new Headers().set("!#$%&'*+-.^_`|~0aZ", "fine");
});

test("Header values lose blanks at both ends, and cannot start another field", () => {
  same(new Headers({ a: " \t x y \r\n" }).get("a"), "x y");
  same(new Headers({ a: "" }).get("a"), "");
  same(new Headers({ a: "\u00e9\x01" }).get("a"), "\u00e9\x01");
  for (const bad of ["a\r\nb: c", "a\nb", "a\rb", "a\0", "\u0100", "\u20ac"]) {
    throws("TypeError", () => new Headers({ a: bad }));
    throws("TypeError", () => new Headers().set("a", bad));
  }
});

test("Headers check receivers and the number of arguments", () => {
  throws("TypeError", () => Headers.prototype.get.call({}, "a"));
  throws("TypeError", () => new Headers().get());
  throws("TypeError", () => new Headers().append("a"));
  throws("TypeError", () => new Headers().getAll("other"));
  throws("TypeError", () => Headers());
  same(Object.prototype.toString.call(new Headers()), "[object Headers]");
});

test("Iterating Headers is live", () => {
  const headers = new Headers({ a: "1", b: "2" });
  const seen = [];
  for (const [name] of headers) {
    seen.push(name);
    if (name === "a") headers.delete("b");
    if (seen.length > 5) break;
  }
  same(seen, ["a"]);
});

test("A patched prototype does not reach into Headers", () => {
  const { push } = Array.prototype;
  const { get } = Map.prototype;
  const iterator = Array.prototype[Symbol.iterator];
  Array.prototype.push = () => { throw new Error("patched"); };
  Map.prototype.get = () => { throw new Error("patched"); };
  let value;
  try {
    const headers = new Headers({ "X-A": "1" });
    headers.append("x-a", "2");
    value = headers.get("x-a");
  } finally {
    Array.prototype.push = push;
    Map.prototype.get = get;
    Array.prototype[Symbol.iterator] = iterator;
  }
  same(value, "1, 2");
});

test("A great many headers are kept", () => {
  const headers = new Headers();
  for (let i = 0; i < 2000; i++) headers.append(`name-${i % 1000}`, `${i}`);
  same([...headers].length, 1000);
  same(headers.get("name-7"), "7, 1007");
});
