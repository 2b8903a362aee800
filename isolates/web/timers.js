// Timers. https://html.spec.whatwg.org/multipage/timers-and-user-prompts.html#timers

const {
  Error, MapPrototypeDelete, MapPrototypeGet, MapPrototypeGetSize,
  MapPrototypeSet, ObjectDefineProperty, Promise, PromiseReject, ReflectApply, SymbolDispose,
  TypeError, globalThis,
} = internals.primordials;
const { features, hasFeature } = internals;
const { converters, isObject, requiredArguments } = internals.webidl;
const { current, currentInvocation, enter, forget, own, reportException } = internals.kernel;

const kTimersMax = 10000;
const kDelayMillisMax = 0x7fffffff;

const timers = new Map();
let lastTimerId = 0;

class Timer {
  id;
  invocation;
  /** What was current when it was set. */
  frame = current();
  callback;
  args;
  delay;
  repeats;

  constructor(invocation, callback, args, delay, repeats) {
    this.invocation = invocation;
    this.callback = callback;
    this.args = args;
    this.delay = delay;
    this.repeats = repeats;
  }

  /** The invocation ended: the host forgets its timers by itself. */
  abandon() {
    MapPrototypeDelete(timers, this.id);
  }
}

function addTimer(callback, args, delay, repeats) {
  const invocation = currentInvocation();
  if (MapPrototypeGetSize(timers) >= kTimersMax) {
    throw new Error(`You have exceeded the number of active timeouts you may set, ${kTimersMax}.`);
  }
  const timer = new Timer(invocation, callback, args, delay, repeats);
  lastTimerId = lastTimerId >= 0x7fffffff ? 1 : lastTimerId + 1;
  timer.id = lastTimerId;
  MapPrototypeSet(timers, timer.id, timer);
  own(invocation, timer);
  native.timerStart(timer.id, invocation.slot, delay);
  return timer;
}

function cancelTimer(timer) {
  if (!MapPrototypeDelete(timers, timer.id)) return;
  forget(timer.invocation, timer);
  if (timer.invocation.open) native.timerCancel(timer.id);
}

/** Milliseconds, whole: a "long" of Web IDL, which wraps, and nothing negative. */
function toDelay(value, prefix) {
  const millis = converters.long(value, prefix, "delay");
  return millis > 0 ? millis : 0;
}

function setTimer(name, repeats, callback, delay, args) {
  if (typeof callback !== "function") {
    throw new TypeError(`Failed to execute '${name}': argument 1 is not a function. Code in a ` +
      "string is not run here.");
  }
  const timer = addTimer(callback, args, toDelay(delay, name), repeats);
  return hasFeature(features.kNodeTimers) ? new Timeout(kMake, timer) : timer.id;
}

// ---- timers as Node has them --------------------------------------------------------------------

const kMake = Symbol("make");

/** What Node's setTimeout() and setInterval() return; as a number, it is the timer's id. */
class Timeout {
  #timer;

  constructor(token, timer) {
    if (token !== kMake) throw new TypeError("Illegal constructor");
    this.#timer = timer;
  }

  /** Nothing waits for timers but their own request. */
  ref() {
    return this;
  }

  unref() {
    return this;
  }

  hasRef() {
    this.#timer;
    return true;
  }

  /** Starts anew, with the delay it had. */
  refresh() {
    const timer = this.#timer;
    if (!timer.invocation.open) return this;
    MapPrototypeSet(timers, timer.id, timer);
    own(timer.invocation, timer);
    native.timerStart(timer.id, timer.invocation.slot, timer.delay);
    return this;
  }

  close() {
    cancelTimer(this.#timer);
    return this;
  }

  [Symbol.toPrimitive]() {
    return this.#timer.id;
  }
}

/** What setImmediate() returns. */
class Immediate {
  #timer;

  constructor(token, timer) {
    if (token !== kMake) throw new TypeError("Illegal constructor");
    this.#timer = timer;
  }

  ref() {
    return this;
  }

  unref() {
    return this;
  }

  hasRef() {
    this.#timer;
    return true;
  }

  static cancel(value) {
    if (isObject(value) && #timer in value) cancelTimer(value.#timer);
  }
}
const cancelImmediate = Immediate.cancel;
delete Immediate.cancel;
if (SymbolDispose !== undefined) {
  ObjectDefineProperty(Timeout.prototype, SymbolDispose, {
    __proto__: null, value: Timeout.prototype.close, writable: true, configurable: true });
}

function nodeTimer(repeats, callback, delay, args) {
  if (typeof callback !== "function") {
    const error = new TypeError('The "callback" argument must be of type function.');
    error.code = "ERR_INVALID_ARG_TYPE";
    throw error;
  }
  return addTimer(callback, args, toDelay(delay, "setTimeout"), repeats);
}

const asNode = {
  setTimeout: (callback, delay, ...args) =>
    new Timeout(kMake, nodeTimer(false, callback, delay, args)),
  setInterval: (callback, delay, ...args) =>
    new Timeout(kMake, nodeTimer(true, callback, delay, args)),
  setImmediate: (callback, ...args) =>
    new Immediate(kMake, nodeTimer(false, callback, 0, args)),
  clearTimeout,
  clearInterval,
  clearImmediate: (immediate) => cancelImmediate(immediate),
};

function setTimeout(callback, delay = 0, ...args) {
  requiredArguments(arguments.length, 1, "Failed to execute 'setTimeout'");
  return setTimer("setTimeout", false, callback, delay, args);
}

function setInterval(callback, delay = 0, ...args) {
  requiredArguments(arguments.length, 1, "Failed to execute 'setInterval'");
  return setTimer("setInterval", true, callback, delay, args);
}

function clearTimeout(id = undefined) {
  const timer = MapPrototypeGet(timers, typeof id === "number" ? id : +id);
  if (timer !== undefined) cancelTimer(timer);
}

function clearInterval(id = undefined) {
  clearTimeout(id);
}

/** Event: a timer is due. */
function onTimerFired(id) {
  const timer = MapPrototypeGet(timers, id);
  if (timer === undefined) return;
  enter(timer.frame);
  if (!timer.repeats) {
    MapPrototypeDelete(timers, id);
    forget(timer.invocation, timer);
  }
  try {
    ReflectApply(timer.callback, globalThis, timer.args);
  } catch (error) {
    reportException(error, "timer");
  }
  // Started again after the call, which may have cleared it: a slow callback never queues up.
  if (timer.repeats && MapPrototypeGet(timers, id) === timer && timer.invocation.open) {
    native.timerStart(id, timer.invocation.slot, timer.delay);
  }
}

// ---- scheduler.wait() ---------------------------------------------------------------------------

/** Workers' own: await scheduler.wait(milliseconds, {signal}). */
class Scheduler {
  wait(delay, options = undefined) {
    try {
      requiredArguments(arguments.length, 1, "Failed to execute 'wait' on 'Scheduler'");
      return wait(toDelay(delay, "wait"), isObject(options) ? options.signal : undefined);
    } catch (error) {
      return PromiseReject(error);
    }
  }
}
internals.webidl.configureInterface(Scheduler);

function wait(delay, signal) {
  const abort = internals.abort;
  if (signal !== undefined && signal !== null && !abort.isSignal(signal)) {
    throw new TypeError("scheduler.wait(): the signal is not an AbortSignal.");
  }
  return new Promise((resolve, reject) => {
    if (!signal) {
      addTimer(resolve, [], delay, false);
      return;
    }
    if (abort.isAborted(signal)) {
      reject(abort.reasonOf(signal));
      return;
    }
    const onAbort = (reason) => {
      cancelTimer(timer);
      reject(reason);
    };
    const timer = addTimer(() => {
      abort.removeAlgorithm(signal, onAbort);
      resolve();
    }, [], delay, false);
    abort.addAlgorithm(signal, onAbort);
  });
}

internals.timers = {
  asNode,
  /** Calls back once, after `delay` milliseconds, within the current invocation. */
  start: (delay, callback) => addTimer(callback, [],
    delay > kDelayMillisMax ? kDelayMillisMax : delay - delay % 1, false),
  cancel: cancelTimer,
};
internals.entries.timerFired = onTimerFired;
internals.defineGlobal("setTimeout", setTimeout);
internals.defineGlobal("setInterval", setInterval);
internals.defineGlobal("clearTimeout", clearTimeout);
internals.defineGlobal("clearInterval", clearInterval);
internals.defineGlobal("scheduler", new Scheduler());
