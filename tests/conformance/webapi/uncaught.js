/** The next event of a type on the global object, which it cancels. */
function heard(type) {
  return new Promise((resolve) => {
    addEventListener(type, (event) => {
      event.preventDefault();
      resolve(event);
    }, { once: true });
  });
}

test("A rejection nobody handles becomes an event, and another one when it is handled late",
  async () => {
    const rejected = heard("unhandledrejection");
    const reason = new Error("mine");
    const promise = Promise.reject(reason);
    const event = await rejected;
    ok(event instanceof PromiseRejectionEvent && event.promise === promise);
    ok(event.reason === reason && event.isTrusted && event.cancelable);
    const handled = heard("rejectionhandled");
    promise.catch(() => {});
    const late = await handled;
    ok(late.promise === promise && late.reason === reason && !late.cancelable);
  });

test("What timers, microtasks and listeners throw, and reportError(), become error events",
  async () => {
    const causes = {
      timer: (error) => setTimeout(() => { throw error; }),
      microtask: (error) => queueMicrotask(() => { throw error; }),
      listener(error) {
        const target = new EventTarget();
        target.addEventListener("x", () => { throw error; });
        target.dispatchEvent(new Event("x"));
      },
      reportError: (error) => reportError(error),
    };
    for (const [name, cause] of Object.entries(causes)) {
      const error = new TypeError("mine");
      const event = heard("error");
      cause(error);
      const { message, error: given, lineno, filename } = await event;
      ok(given === error, name);
      same(message, "Uncaught TypeError: mine", name);
      ok(lineno > 0 && filename !== "", `${name}: ${filename}:${lineno}`);
    }
  });

test("onerror is called with five arguments, and an error in it does not call it again",
  async () => {
    const calls = [];
    globalThis.onerror = (...args) => {
      calls.push(args);
      throw new Error("again");
    };
    try {
      reportError("text");
    } finally {
      globalThis.onerror = null;
    }
    same(calls.length, 1);
    same([calls[0].length, calls[0][0], calls[0][4]], [5, "Uncaught text", "text"]);
  });
