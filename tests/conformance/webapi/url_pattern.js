test("URLPattern matches strings and parts, and names its groups", () => {
  const pattern = new URLPattern({ pathname: "/books/:id(\\d+)/*", hostname: "*.example.com" });
  ok(pattern.test("https://shop.example.com/books/12/x"));
  ok(!pattern.test("https://shop.example.com/books/a/x"));
  ok(!pattern.test("https://example.org/books/12/x"));
  const found = pattern.exec("https://shop.example.com/books/12/x?q");
  same(found.pathname, { input: "/books/12/x", groups: { 0: "x", id: "12" } });
  same(found.hostname.groups, { 0: "shop" });
  same([found.search.input, found.inputs], ["q", ["https://shop.example.com/books/12/x?q"]]);
  same([pattern.pathname, pattern.protocol, pattern.hasRegExpGroups], ["/books/:id(\\d+)/*", "*",
    true]);
  same(new URLPattern("/a/:b", "https://x.test").exec("/a/1", "https://x.test").pathname.groups,
    { b: "1" });
  same(new URLPattern({ pathname: "/a" }).exec({ pathname: "/b" }), null);
  ok(new URLPattern("https://x.test/A", { ignoreCase: true }).test("https://x.test/a"));
  same(new URLPattern().exec("no url"), null);
});

test("URLPattern converts its arguments as Web IDL has it, and refuses what is no pattern", () => {
  throws("TypeError", () => new URLPattern("/relative"));
  throws("TypeError", () => new URLPattern("https://x.test/([)"));
  throws("TypeError", () => new URLPattern({ pathname: "/(" }));
  throws("TypeError", () => new URLPattern({}, "https://x.test"));
  throws("TypeError", () => new URLPattern({}).test({}, "https://x.test"));
  throws("TypeError", () => new URLPattern("/a", Symbol("base")));
  throws("TypeError", () => URLPattern.prototype.test.call({}, "https://x.test"));
  throws("TypeError", () => URLPattern.prototype.pathname);
  throws("Error", () => new URLPattern({ get hash() { throw new Error("mine"); } }), "mine");
});

test("URLPattern does not depend on prototypes that a script has bent", () => {
  const { exec } = RegExp.prototype, { map } = Array.prototype;
  const pattern = new URLPattern({ pathname: "/:__proto__/:constructor" });
  try {
    RegExp.prototype.exec = Array.prototype.map = () => fail("a patched method was called");
    ok(pattern.test("https://x.test/a/b"));
    const { groups } = pattern.exec("https://x.test/a/b").pathname;
    same(Object.getOwnPropertyDescriptor(groups, "__proto__").value, "a");
    ok(Object.getPrototypeOf(groups) === Object.prototype);
  } finally {
    RegExp.prototype.exec = exec;
    Array.prototype.map = map;
  }
});
