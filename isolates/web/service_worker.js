// Scripts in the older form: addEventListener("fetch", event => event.respondWith(...)).
// https://developers.cloudflare.com/workers/reference/migrate-to-module-workers/

const { ArrayPrototypePush, PromiseResolve, ReflectApply, TypeError } =
  internals.primordials;
const { configureInterface, illegalConstructor, requiredArguments } = internals.webidl;
const { domException } = internals;

const kMake = Symbol("make");

class ExtendableEvent extends Event {
  #context;

  constructor(type, token, context) {
    if (token !== kMake) throw illegalConstructor();
    super(type);
    this.#context = context;
  }

  waitUntil(promise) {
    requiredArguments(arguments.length, 1, "Failed to execute 'waitUntil' on 'ExtendableEvent'");
    this.#context.waitUntil(promise);
  }
}
configureInterface(ExtendableEvent);

class FetchEvent extends ExtendableEvent {
  #request;
  #context;
  #response = null;
  #closed = false;

  constructor(type, token, context, request) {
    super(type, token, context);
    this.#request = request;
    this.#context = context;
  }

  get request() {
    return this.#request;
  }

  respondWith(response) {
    requiredArguments(arguments.length, 1, "Failed to execute 'respondWith' on 'FetchEvent'");
    if (this.#closed) {
      throw domException("InvalidStateError", "respondWith() must be called while the event is " +
        "being dispatched: hand it a promise, and it may be settled later.");
    }
    if (this.#response !== null) {
      throw domException("InvalidStateError",
        "FetchEvent.respondWith() has already been called; it can only be called once.");
    }
    this.#response = PromiseResolve(response);
  }

  passThroughOnException() {
    this.#context.passThroughOnException();
  }

  static close(event) {
    event.#closed = true;
    return event.#response;
  }
}
const { close } = FetchEvent;
delete FetchEvent.close;
configureInterface(FetchEvent);

class ScheduledEvent extends ExtendableEvent {
  #controller;

  constructor(type, token, context, controller) {
    super(type, token, context);
    this.#controller = controller;
  }

  get cron() {
    return this.#controller.cron;
  }

  get scheduledTime() {
    return this.#controller.scheduledTime;
  }

  noRetry() {
    this.#controller.noRetry();
  }
}
configureInterface(ScheduledEvent);

// ---- listeners ----------------------------------------------------------------------------------

const kTypes = { __proto__: null, fetch: true, scheduled: true, queue: true };
const listeners = [];
let makeContext;

/** Called before the script runs: its listeners for our events come to us. */
function begin(makeContextOf) {
  makeContext = makeContextOf;
  const inherited = globalThis.addEventListener;
  internals.defineGlobal("addEventListener", function addEventListener(type, listener) {
    if (kTypes[type] !== true) {
      if (inherited !== undefined) return ReflectApply(inherited, this ?? globalThis, arguments);
      return undefined;
    }
    const handler = typeof listener === "function" ? listener :
      (event) => listener.handleEvent(event);
    ArrayPrototypePush(listeners, { type, handler });
    return undefined;
  });
  internals.defineGlobal("ExtendableEvent", ExtendableEvent);
  internals.defineGlobal("FetchEvent", FetchEvent);
  internals.defineGlobal("ScheduledEvent", ScheduledEvent);
}

const kNoResponse = "No fetch listener called event.respondWith(): there is no origin behind " +
  "this node to pass the request on to.";

/** False if nobody listens. */
function dispatch(event) {
  let called = false;
  for (let i = 0; i < listeners.length; i++) {
    if (listeners[i].type !== event.type) continue;
    called = true;
    ReflectApply(listeners[i].handler, globalThis, [event]);
  }
  return called;
}

/** Dispatches a fetch event; the Response, or a promise of it. */
function fetch(invocation, request) {
  const event = new FetchEvent("fetch", kMake, makeContext(invocation, ""), request);
  let response = null;
  dispatch(event);
  response = close(event);
  if (response === null) throw new TypeError(kNoResponse);
  return response;
}

/** Dispatches a scheduled event. */
function scheduled(invocation, cron, time) {
  const controller = internals.scheduled.createController(cron, time);
  const context = makeContext(invocation, "");
  if (!dispatch(new ScheduledEvent("scheduled", kMake, context, controller))) {
    throw new TypeError("This script has no listener for \"scheduled\" events.");
  }
}

internals.serviceWorker = { begin, fetch, scheduled, isListening: () => listeners.length > 0 };
