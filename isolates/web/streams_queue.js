// What all streams share: promises made only when looked at, queues, the reading of strategies.
// https://streams.spec.whatwg.org/
//
// How the stream files are built: every public class is a thin shell around an object of an
// internal class (Readable, DefaultController, Writer ...) with the specification's slots as plain
// fields. Internal objects never reach a tenant, so their fields need no protection and the
// code that pipes, tees or collects makes no shells at all. `core` is what the files tell each
// other. What few programs use is in lazy scripts: such a script runs after tenant code, so it uses
// safe built-ins even at its top level.

const {
  ObjectSetPrototypeOf, PromisePrototypeThen, PromiseReject, PromiseResolve, PromiseWithResolvers,
  RangeError, ReflectApply, String,
} = internals.primordials;
const { converters, isObject, typeError } = internals.webidl;

const core = {};
internals.streamsCore = core;

/** core[name] is a stand-in that runs `script`, which puts the real function in its place. */
core.lazy = (name, script) => {
  core[name] = (...args) => {
    internals.load(script);
    return ReflectApply(core[name], undefined, args);
  };
};

/** States of a readable stream. */
core.READABLE = 0;
core.CLOSED = 1;
core.ERRORED = 2;

// ---- promises -----------------------------------------------------------------------------------

const noop = () => {};
/** One settled promise for all: waiting on it is a microtask's delay and nothing else. */
const kResolved = PromiseResolve(undefined);

/** No unhandled rejection is reported for this promise. */
function markHandled(promise) {
  PromisePrototypeThen(promise, undefined, noop);
}

/** Calls back a microtask after `result` settles, which may be a promise or any value. */
function upon(result, onFulfilled, onRejected) {
  PromisePrototypeThen(result === undefined ? kResolved : toPromise(result), onFulfilled,
    onRejected);
}

/** Promise.resolve(), but what reading a tenant's promise throws becomes a rejection. */
function toPromise(value) {
  try {
    return PromiseResolve(value);
  } catch (error) {
    return PromiseReject(error);
  }
}

/**
 * A new promise, so that one that is given costs two microtasks more; undefined stays undefined.
 * https://webidl.spec.whatwg.org/#a-promise-resolved-with
 */
function resolvedWith(value) {
  if (!isObject(value)) return undefined;
  const { promise, resolve } = PromiseWithResolvers();
  resolve(value);
  return promise;
}

const kPending = 0, kFulfilled = 1, kRejected = 2;

/**
 * A promise for undefined that exists only once somebody asks for it: `closed` and `ready` of
 * readers and writers, which few look at. Its rejection counts as handled, as the standard has it.
 */
class LazyPromise {
  state = kPending;
  reason = undefined;
  promise = null;
  settlers = null;

  get() {
    if (this.promise !== null) return this.promise;
    if (this.state === kPending) {
      this.settlers = PromiseWithResolvers();
      this.promise = this.settlers.promise;
    } else if (this.state === kFulfilled) {
      this.promise = PromiseResolve(undefined);
    } else {
      this.promise = PromiseReject(this.reason);
      markHandled(this.promise);
    }
    return this.promise;
  }

  resolve() {
    if (this.state !== kPending) return;
    this.state = kFulfilled;
    if (this.settlers !== null) this.settlers.resolve(undefined);
    this.settlers = null;
  }

  reject(reason) {
    if (this.state !== kPending) return;
    this.state = kRejected;
    this.reason = reason;
    if (this.settlers !== null) {
      this.settlers.reject(reason);
      markHandled(this.promise);
    }
    this.settlers = null;
  }

  /** What "set to a promise rejected with" says: rejects, or is a new promise from now on. */
  rejectAnew(reason) {
    if (this.state !== kPending) this.renew();
    this.reject(reason);
  }

  renew() {
    this.state = kPending;
    this.reason = undefined;
    this.promise = null;
    this.settlers = null;
  }
}

// ---- queues -------------------------------------------------------------------------------------

/** First in, first out, of objects that carry their own `next` field and are in one list only. */
class LinkedList {
  head = null;
  tail = null;
  length = 0;

  push(node) {
    node.next = null;
    if (this.tail === null) this.head = node;
    else this.tail.next = node;
    this.tail = node;
    this.length++;
  }

  shift() {
    const node = this.head;
    this.head = node.next;
    if (this.head === null) this.tail = null;
    node.next = null;
    this.length--;
    return node;
  }

  clear() {
    this.head = this.tail = null;
    this.length = 0;
  }
}

class SizedEntry {
  next = null;
  constructor(value, size) {
    this.value = value;
    this.size = size;
  }
}

/** https://streams.spec.whatwg.org/#queue-with-sizes */
class SizedQueue extends LinkedList {
  total = 0;

  /** https://streams.spec.whatwg.org/#enqueue-value-with-size */
  enqueue(value, size) {
    if (typeof size !== "number" || !(size >= 0) || size === Infinity) {
      throw new RangeError(`The chunk size ${String(size)} is not a finite, non-negative number`);
    }
    this.push(new SizedEntry(value, size));
    this.total += size;
  }

  dequeue() {
    const entry = this.shift();
    this.total -= entry.size;
    if (this.total < 0) this.total = 0;  // Rounding errors only.
    return entry.value;
  }

  reset() {
    this.clear();
    this.total = 0;
  }
}

// ---- strategies, sources, sinks -----------------------------------------------------------------

const noStrategy = { highWaterMark: undefined, size: undefined };

/** https://streams.spec.whatwg.org/#dictdef-queuingstrategy */
function toStrategy(value, prefix, argument) {
  if (value === undefined || value === null) return noStrategy;
  if (!isObject(value)) throw typeError(prefix, argument, "is not an object.");
  const mark = value.highWaterMark;
  const highWaterMark = mark === undefined
    ? undefined : converters.unrestrictedDouble(mark, prefix, "highWaterMark");
  const size = value.size;
  if (size !== undefined) converters.callbackFunction(size, prefix, "size");
  return { highWaterMark, size };
}

/** https://streams.spec.whatwg.org/#validate-and-normalize-high-water-mark */
function highWaterMarkOf(strategy, fallback) {
  const mark = strategy.highWaterMark;
  if (mark === undefined) return fallback;
  if (!(mark >= 0)) throw new RangeError(`The high-water mark ${mark} is not zero or positive`);
  return mark;
}

/**
 * null stands for a size of 1 for every chunk.
 * https://streams.spec.whatwg.org/#make-size-algorithm-from-size-function
 */
function sizeOf(strategy) {
  const size = strategy.size;
  if (size === undefined) return null;
  // Called without a receiver.
  return (chunk) => converters.unrestrictedDouble(ReflectApply(size, undefined, [chunk]));
}

/** A method of a source, sink or transformer: undefined, or a function. */
function methodOf(holder, name, prefix) {
  const method = holder[name];
  if (method !== undefined && typeof method !== "function") {
    throw typeError(prefix, undefined, `the ${name} method is not a function.`);
  }
  return method;
}

/** An optional argument of type `object`, null when it is not given. */
function optionalObject(value, prefix) {
  if (value === undefined) return null;
  return converters.object(value, prefix, "argument 1");
}

/** Calls a source's or sink's method; what it throws becomes a rejection. */
function callForPromise(method, receiver, args) {
  try {
    return PromiseResolve(ReflectApply(method, receiver, args));
  } catch (error) {
    return PromiseReject(error);
  }
}

/**
 * Internal classes end their prototype chain with their own: a setter that a tenant puts on
 * Object.prototype is not called for their fields.
 */
function isolate(...classes) {
  for (let i = 0; i < classes.length; i++) ObjectSetPrototypeOf(classes[i].prototype, null);
}
isolate(LazyPromise, LinkedList, SizedEntry);

core.isolate = isolate;
core.noop = noop;
core.kResolved = kResolved;
core.markHandled = markHandled;
core.upon = upon;
core.resolvedWith = resolvedWith;
core.toPromise = toPromise;
core.LazyPromise = LazyPromise;
core.LinkedList = LinkedList;
core.SizedQueue = SizedQueue;
core.toStrategy = toStrategy;
core.highWaterMarkOf = highWaterMarkOf;
core.sizeOf = sizeOf;
core.methodOf = methodOf;
core.optionalObject = optionalObject;
core.callForPromise = callForPromise;
