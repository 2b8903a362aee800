// Handlers: what a script's main module exports, and how an event reaches it.
// https://developers.cloudflare.com/workers/runtime-apis/handlers/

const {
  JSONParse, ObjectDefineProperty, ReflectApply, TypeError, globalThis,
} = internals.primordials;
const { configureInterface, illegalConstructor, isObject, requiredArguments } = internals.webidl;
const { isResponse, sendResponse } = internals.response;
const { requestOfInvocation } = internals.request;
const {
  currentInvocation, fail, logException, openInvocation, release, reportException, waitUntil,
} = internals.kernel;

// ---- the context --------------------------------------------------------------------------------

const kCreate = Symbol("create");

/** The third argument of a handler. */
class ExecutionContext {
  #invocation;
  #props;

  constructor(token, invocation) {
    if (token !== kCreate) throw illegalConstructor();
    this.#invocation = invocation;
  }

  /** Keeps the invocation going until the promise settles. */
  waitUntil(promise) {
    const invocation = this.#invocation;
    requiredArguments(arguments.length, 1, "Failed to execute 'waitUntil' on 'ExecutionContext'");
    waitUntil(invocation, promise);
  }

  /** Accepted for compatibility: there is no origin behind this node to pass a request on to. */
  passThroughOnException() {
    this.#invocation;
  }

  get props() {
    this.#invocation;
    if (this.#props === undefined) this.#props = {};
    return this.#props;
  }
}
configureInterface(ExecutionContext);

// ---- the script ---------------------------------------------------------------------------------

/** The default export, its fetch method and env, once the script is loaded. */
let target, fetchHandler, env;

const kNoDefault = "The main module has no usable default export. Export the handlers: " +
  "export default { async fetch(request, env, ctx) { return new Response(\"Hello\"); } };";

/** Called once, after the main module was evaluated; throws a text that says what to change. */
function load(namespace) {
  env = getEnv();
  const exported = namespace.default;
  if (!isObject(exported)) throw new TypeError(kNoDefault);
  if (typeof exported === "function") {
    throw new TypeError("The main module's default export is a function or a class. Export an " +
      "object with the handlers: export default { fetch(request, env, ctx) { ... } };");
  }
  target = exported;
  fetchHandler = exported.fetch;
  if (fetchHandler !== undefined && typeof fetchHandler !== "function") {
    throw new TypeError("The default export's `fetch` is not a function.");
  }
  if (fetchHandler === undefined && typeof exported.scheduled !== "function" &&
      typeof exported.queue !== "function") {
    throw new TypeError("The main module's default export has no handler. Add one: " +
      "export default { async fetch(request, env, ctx) { return new Response(\"Hello\"); } };");
  }
}

const kBindingText = 0, kBindingJson = 1, kBindingKv = 2;

/** `env`, made when the script or its handler first needs it. */
function getEnv() {
  if (env === undefined) env = makeEnv(native.bindings());
  return env;
}

/** Of [kind, name, value, ...]. */
function makeEnv(bindings) {
  const made = {};
  for (let i = 0; i < bindings.length; i += 3) {
    const kind = bindings[i];
    let value = bindings[i + 2];
    if (kind === kBindingJson) value = JSONParse(value);
    if (kind === kBindingKv) {
      internals.load("web/kv.js");
      value = internals.kv.createNamespace(value);
    }
    ObjectDefineProperty(made, bindings[i + 1],
      { __proto__: null, value, writable: true, enumerable: true, configurable: true });
  }
  return made;
}

// ---- events -------------------------------------------------------------------------------------

/** Event: a request. `content` and `length` are as in requestOfInvocation(). */
function onFetch(slot, content, length) {
  const invocation = openInvocation(slot);
  let result;
  try {
    if (fetchHandler === undefined) {
      throw new TypeError("This script has no fetch handler: its default export needs a method " +
        "fetch(request, env, ctx).");
    }
    const request = requestOfInvocation(invocation, content, length);
    result = ReflectApply(fetchHandler, target,
      [request, env, new ExecutionContext(kCreate, invocation)]);
    if (isResponse(result)) {
      sendResponse(invocation, result);
    } else {
      settle(invocation, result);
      return;
    }
  } catch (error) {
    fail(invocation, error);
  }
  release(invocation);
}

async function settle(invocation, promise) {
  try {
    const response = await promise;
    if (!invocation.open) return;
    if (isResponse(response)) sendResponse(invocation, response);
    else fail(invocation, notAResponse(response), true);
  } catch (error) {
    fail(invocation, error);
  }
  release(invocation);
}

function notAResponse(value) {
  const what = value === undefined ? "undefined (is a return statement missing?)" :
    value === null ? "null" : `a value of type ${typeof value}`;
  return new TypeError("The fetch handler did not return a Response, but " + what +
    ". Return new Response(body), or a promise of one.");
}

/**
 * Event: a promise was rejected and nobody handles it.
 * https://html.spec.whatwg.org/#notify-about-rejected-promises
 */
function onUnhandledRejection(promise, reason) {
  if (firePromiseEvent("unhandledrejection", promise, reason)) logException(reason, "promise");
}

/** Event: a promise that was reported has got a handler after all. */
function onRejectionHandled(promise, reason) {
  firePromiseEvent("rejectionhandled", promise, reason);
}

/** False if a listener canceled it. */
function firePromiseEvent(type, promise, reason) {
  const { PromiseRejectionEvent, fire, hasListeners } = internals.events;
  if (!hasListeners(globalThis, type)) return true;
  return fire(globalThis, new PromiseRejectionEvent(type,
    { __proto__: null, cancelable: type === "unhandledrejection", promise, reason }));
}

/** Event: a microtask threw. */
function onUncaughtException(error) {
  reportException(error);
}

// ---- modules that the platform provides ---------------------------------------------------------

/** The exports of an import that is no module of the script; undefined if there is none. */
function builtinModule(specifier) {
  if (specifier !== "cloudflare:workers") return undefined;
  return {
    env: getEnv(),
    waitUntil: (promise) => waitUntil(currentInvocation(), promise),
  };
}

internals.entries.builtinModule = builtinModule;
internals.entries.unhandledRejection = onUnhandledRejection;
internals.entries.rejectionHandled = onRejectionHandled;
internals.entries.uncaughtException = onUncaughtException;
internals.entries.load = load;
internals.entries.fetch = onFetch;
internals.defineGlobal("ExecutionContext", ExecutionContext);

const functions = {
  /** https://html.spec.whatwg.org/#dom-reporterror */
  reportError(error) {
    requiredArguments(arguments.length, 1, "Failed to execute 'reportError'");
    reportException(error);
  },
};
internals.defineGlobal("reportError", functions.reportError);
