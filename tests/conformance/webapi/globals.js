test("performance tells Date's time", () => {
  same([performance.timeOrigin, typeof performance.now()], [0, "number"]);
  ok(Math.abs(performance.now() - Date.now()) < 1000);
  ok(performance instanceof EventTarget);
});

test("performance keeps marks and measures", () => {
  const mark = performance.mark("a", { startTime: 5, detail: { x: 1 } });
  same([mark.name, mark.entryType, mark.startTime, mark.duration, mark.detail], ["a", "mark", 5, 0,
    { x: 1 }]);
  performance.mark("b", { startTime: 9 });
  same(performance.measure("m", "a", "b").duration, 4);
  same(performance.measure("n", { start: 1, duration: 3 }).startTime, 1);
  same(performance.getEntriesByType("measure").map((entry) => entry.name), ["n", "m"]);
  same(performance.getEntriesByName("a").length, 1);
  throws("SyntaxError", () => performance.measure("x", "missing"));
  performance.clearMarks("a");
  same(performance.getEntriesByType("mark").length, 1);
  for (let i = 0; i < 5000; i++) performance.mark("many");
  ok(performance.getEntries().length <= 1000);
});

test("navigator, self and the global object are as on other edge platforms", () => {
  same([navigator.userAgent, navigator.language, navigator.hardwareConcurrency], ["Atoll", "en",
    1]);
  ok(self === globalThis);
  throws("TypeError", () => new Navigator());
});

test("queueMicrotask runs its callback after the code at hand", async () => {
  const order = [];
  queueMicrotask(() => order.push("micro"));
  order.push("sync");
  await null;
  same(order, ["sync", "micro"]);
  throws("TypeError", () => queueMicrotask(1));
});

test("Lazy globals are data properties like others, and a tenant's own value stays", () => {
  for (let i = 0; i < 2; i++) {
    const seen = Object.getOwnPropertyDescriptor(globalThis, "TextDecoderStream");
    same([seen.value === TextDecoderStream, seen.writable, seen.enumerable, seen.configurable],
      [true, true, false, true]);
  }
  globalThis.ByteLengthQueuingStrategy = "mine";
  same(typeof CountQueuingStrategy, "function");
  same(ByteLengthQueuingStrategy, "mine");
});

test("DOMException is an Error with a stack", () => {
  const error = new DOMException("text", "NotFoundError");
  ok(error instanceof Error && Object.getPrototypeOf(DOMException.prototype) === Error.prototype);
  same([error.name, error.message, error.code, String(error)],
    ["NotFoundError", "text", 8, "NotFoundError: text"]);
  ok(error.stack.startsWith("NotFoundError: text\n    at "));
  same([new DOMException().name, new DOMException().message, new DOMException("", "Own").code],
    ["Error", "", 0]);
  same(DOMException.DATA_CLONE_ERR, 25);
  same(DOMException.prototype.ABORT_ERR, 20);
  throws("TypeError", () => DOMException.prototype.name);
  class Own extends DOMException {}
  ok(new Own("x") instanceof Own);
});
