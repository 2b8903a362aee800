test("EventTarget calls listeners in order with the event", () => {
  const target = new EventTarget();
  const seen = [];
  const listener = (event) => seen.push(["f", event.type, event.target === target,
    event.eventPhase]);
  target.addEventListener("x", listener);
  target.addEventListener("x", listener);  // The same one again: ignored.
  target.addEventListener("x", { handleEvent(event) { seen.push(["o", this.tag,
    event.currentTarget === target]); }, tag: 1 });
  target.addEventListener("x", () => seen.push(["capture"]), true);
  target.addEventListener("x", null);
  same(target.dispatchEvent(new Event("x")), true);
  same(seen, [["capture"], ["f", "x", true, 2], ["o", 1, true]]);
  target.removeEventListener("x", listener);
  seen.length = 0;
  target.dispatchEvent(new Event("x"));
  same(seen.length, 2);
});

test("Listener options once, passive and signal work", () => {
  const target = new EventTarget();
  const controller = new AbortController();
  let once = 0, signaled = 0;
  target.addEventListener("x", () => once++, { once: true });
  target.addEventListener("x", () => signaled++, { signal: controller.signal });
  target.addEventListener("x", (event) => event.preventDefault(), { passive: true });
  same(target.dispatchEvent(new Event("x", { cancelable: true })), true);
  controller.abort();
  target.dispatchEvent(new Event("x"));
  same([once, signaled], [1, 1]);
  target.addEventListener("x", () => signaled++, { signal: controller.signal });
  target.dispatchEvent(new Event("x"));
  same(signaled, 1);
  throws("TypeError", () => target.addEventListener("x", () => {}, { signal: 1 }), "AbortSignal");
});

test("Events keep their state", () => {
  const event = new Event("x", { bubbles: true, cancelable: true, composed: true });
  same([event.bubbles, event.cancelable, event.composed, event.defaultPrevented, event.isTrusted],
    [true, true, true, false, false]);
  event.preventDefault();
  same([event.defaultPrevented, event.returnValue], [true, false]);
  const target = new EventTarget();
  const seen = [];
  target.addEventListener("x", (inner) => {
    seen.push(inner.composedPath().length);
    inner.stopImmediatePropagation();
    throws("InvalidStateError", () => target.dispatchEvent(inner));
  });
  target.addEventListener("x", () => seen.push("never"));
  same(target.dispatchEvent(event), false);
  same([seen, event.composedPath(), event.currentTarget, event.eventPhase], [[1], [], null, 0]);
  same(Event.AT_TARGET, 2);
  throws("TypeError", () => { "use strict"; event.isTrusted = true; });
});

test("A listener that throws does not stop the others", () => {
  const target = new EventTarget();
  let reached = false;
  target.addEventListener("x", () => { throw new Error("one"); });
  target.addEventListener("x", () => { reached = true; });
  target.dispatchEvent(new Event("x"));
  ok(reached);
});

test("The event classes carry their own attributes", () => {
  same(new CustomEvent("a", { detail: 5 }).detail, 5);
  const error = new ErrorEvent("error", { message: "m", filename: "f", lineno: 1, colno: 2,
    error: 3 });
  same([error.message, error.filename, error.lineno, error.colno, error.error], ["m", "f", 1, 2,
    3]);
  same([new MessageEvent("m", { data: 1 }).data, new MessageEvent("m").ports], [1, []]);
  const close = new CloseEvent("c", { code: 1000, reason: "r", wasClean: true });
  same([close.code, close.reason, close.wasClean], [1000, "r", true]);
  const promise = Promise.resolve();
  ok(new PromiseRejectionEvent("p", { promise }).promise === promise);
  throws("TypeError", () => new PromiseRejectionEvent("p", {}), "promise");
  throws("TypeError", () => new CustomEvent(), "1 argument required");
});

test("AbortController aborts its signal once", () => {
  const controller = new AbortController();
  const { signal } = controller;
  const seen = [];
  signal.onabort = (event) => seen.push(["on", event.isTrusted]);
  signal.addEventListener("abort", () => seen.push("listener"));
  same([signal.aborted, signal.reason], [false, undefined]);
  signal.throwIfAborted();
  controller.abort();
  controller.abort("again");
  same(seen, [["on", true], "listener"]);
  same([signal.aborted, signal.reason.name, signal.reason.code], [true, "AbortError", 20]);
  throws("AbortError", () => signal.throwIfAborted());
  same(AbortSignal.abort("why").reason, "why");
  throws("TypeError", () => new AbortSignal(), "Illegal constructor");
});

test("AbortSignal.any follows its sources", () => {
  const a = new AbortController(), b = new AbortController();
  const any = AbortSignal.any([a.signal, b.signal]);
  const deeper = AbortSignal.any([any, new AbortController().signal]);
  const seen = [];
  deeper.addEventListener("abort", () => seen.push("deeper"));
  any.addEventListener("abort", () => seen.push("any"));
  a.signal.addEventListener("abort", () => seen.push("source"));
  b.signal.addEventListener("abort", () => seen.push(["other", any.aborted, deeper.aborted]));
  b.abort("B");
  a.abort("A");
  same([any.reason, deeper.reason], ["B", "B"]);
  same(seen, [["other", true, true], "any", "deeper", "source"]);
  same(AbortSignal.any([AbortSignal.abort(1), a.signal]).reason, 1);
  same(AbortSignal.any([]).aborted, false);
  throws("TypeError", () => AbortSignal.any([1]), "AbortSignal");
});

test("A signal with thousands of forgotten dependents stays small and right", () => {
  const controller = new AbortController();
  for (let i = 0; i < 20_000; i++) AbortSignal.any([controller.signal]);
  let heard = 0;
  AbortSignal.any([controller.signal]).addEventListener("abort", () => heard++);
  controller.abort();
  same(heard, 1);
});

test("AbortSignal.timeout aborts with a TimeoutError", async () => {
  const signal = AbortSignal.timeout(1);
  await new Promise((resolve) => signal.addEventListener("abort", resolve));
  same([signal.aborted, signal.reason.name], [true, "TimeoutError"]);
  throws("TypeError", () => AbortSignal.timeout(-1));
  throws("TypeError", () => AbortSignal.timeout());
});

test("The global object is an event target", () => {
  let seen = 0;
  addEventListener("own", function (event) {
    seen += this === globalThis && event.target === globalThis ? 1 : 100;
  }, { once: true });
  dispatchEvent(new Event("own"));
  dispatchEvent(new Event("own"));
  same(seen, 1);
});

test("Listeners that change the list while it runs do what the standard says", () => {
  const target = new EventTarget();
  const seen = [];
  const late = () => seen.push("late");
  const removed = () => seen.push("removed");
  target.addEventListener("x", () => {
    seen.push("first");
    target.removeEventListener("x", removed);
    target.addEventListener("x", late);
  });
  target.addEventListener("x", removed);
  target.dispatchEvent(new Event("x"));
  same(seen, ["first"]);
  target.dispatchEvent(new Event("x"));
  same(seen, ["first", "first", "late"]);
});
