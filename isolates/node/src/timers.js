// node:timers: the platform's timers as Node's objects, whatever the date says about the globals.
const timers = internals.timers;

const { setTimeout, setInterval, setImmediate, clearTimeout, clearInterval, clearImmediate } =
  timers.asNode;

function abortError(signal) {
  const error = new Error("The operation was aborted", { cause: signal.reason });
  error.name = "AbortError";
  error.code = "ABORT_ERR";
  return error;
}

function wait(start, cancel, value, signal) {
  if (signal?.aborted) return Promise.reject(abortError(signal));
  return new Promise((resolve, reject) => {
    const onAbort = () => {
      cancel(timer);
      reject(abortError(signal));
    };
    const timer = start(() => {
      signal?.removeEventListener("abort", onAbort);
      resolve(value);
    });
    signal?.addEventListener("abort", onAbort, { once: true });
  });
}

const promises = {
  setTimeout: (delay, value, options = {}) =>
    wait((done) => setTimeout(done, delay), clearTimeout, value, options?.signal),
  setImmediate: (value, options = {}) =>
    wait((done) => setImmediate(done), clearImmediate, value, options?.signal),
  async *setInterval(delay, value, options = {}) {
    for (;;) yield await promises.setTimeout(delay, value, options);
  },
  scheduler: {
    wait: (delay, options) => promises.setTimeout(delay, undefined, options),
    yield: () => promises.setImmediate(),
  },
};
Object.defineProperty(setTimeout, Symbol.for("nodejs.util.promisify.custom"),
  { value: promises.setTimeout, configurable: true });
Object.defineProperty(setImmediate, Symbol.for("nodejs.util.promisify.custom"),
  { value: promises.setImmediate, configurable: true });

module.exports = {
  setTimeout, setInterval, setImmediate, clearTimeout, clearInterval, clearImmediate, promises,
  active() {}, enroll() {}, unenroll() {}, _unrefActive() {},
};
