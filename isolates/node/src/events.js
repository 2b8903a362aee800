// node:events. A function and not a class, so that EventEmitter.call(this) makes one of an object.
const base = require("unenv/node/events");

const Base = base.EventEmitter;
const kCapture = Symbol.for("kCapture"), kShapeMode = Symbol.for("kShapeMode");

function init(options) {
  if (this._events === undefined || this._events === Object.getPrototypeOf(this)._events) {
    this._events = { __proto__: null };
    this._eventsCount = 0;
    this[kShapeMode] = false;
  } else {
    this[kShapeMode] = true;
  }
  this._maxListeners = this._maxListeners || undefined;
  if (options?.captureRejections) this[kCapture] = Boolean(options.captureRejections);
  else if (EventEmitter.captureRejections) this[kCapture] = true;
}

function EventEmitter(options) {
  init.call(this, options);
}
EventEmitter.prototype = Base.prototype;
Object.defineProperty(EventEmitter.prototype, "constructor",
  { value: EventEmitter, writable: true, configurable: true });
for (const name of Object.getOwnPropertyNames(Base.prototype)) {
  // Methods of an older style of class are enumerable; libraries copy them with Object.assign().
  const descriptor = Object.getOwnPropertyDescriptor(Base.prototype, name);
  if (name === "constructor" || typeof descriptor.value !== "function") continue;
  Object.defineProperty(Base.prototype, name, { ...descriptor, enumerable: true });
}
// One function by two names: streams replace both, and call the one they replaced.
EventEmitter.prototype.on = EventEmitter.prototype.addListener;
EventEmitter.prototype.off = EventEmitter.prototype.removeListener;
Object.assign(EventEmitter.prototype, { _events: undefined, _eventsCount: 0,
  _maxListeners: undefined });

for (const name of ["on", "once", "getEventListeners", "getMaxListeners", "addAbortListener",
  "EventEmitterAsyncResource", "setMaxListeners", "listenerCount", "errorMonitor",
  "captureRejectionSymbol", "usingDomains"]) {
  EventEmitter[name] = Base[name];
}
Object.defineProperty(EventEmitter, "defaultMaxListeners", {
  get: () => Base.defaultMaxListeners,
  set(count) {
    if (typeof count !== "number" || count < 0 || Number.isNaN(count)) {
      const error = new RangeError('The value of "defaultMaxListeners" is out of range. It must ' +
        `be a non-negative number. Received ${count}`);
      error.code = "ERR_OUT_OF_RANGE";
      throw error;
    }
    Base.defaultMaxListeners = count;
  },
  enumerable: true,
});
EventEmitter.captureRejections = false;
EventEmitter.init = init;
EventEmitter.EventEmitter = EventEmitter;
module.exports = EventEmitter;
