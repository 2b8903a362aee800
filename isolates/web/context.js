// Handlers: what a script's main module exports, and how an event reaches it.
// https://developers.cloudflare.com/workers/runtime-apis/handlers/

const {
  JSONParse, ObjectDefineProperty, ObjectHasOwn, ReflectApply, ReflectOwnKeys, TypeError,
  globalThis,
} = internals.primordials;
const { configureInterface, illegalConstructor, isObject, requiredArguments } = internals.webidl;
const { isResponse, sendResponse } = internals.response;
const { requestOfInvocation } = internals.request;
const {
  currentInvocation, fail, logException, openInvocation, release, reportException, waitUntil,
} = internals.kernel;
const { features, hasFeature } = internals;

// ---- the context --------------------------------------------------------------------------------

const kCreate = Symbol("create");

/** The third argument of a handler. */
class ExecutionContext {
  #invocation;
  #props;

  constructor(token, invocation, props) {
    if (token !== kCreate) throw illegalConstructor();
    this.#invocation = invocation;
    this.#props = props;
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

  /** What the caller's binding says about the caller; {} for a client's request. */
  get props() {
    this.#invocation;
    if (this.#props === undefined) this.#props = {};
    if (typeof this.#props === "string") this.#props = JSONParse(this.#props);
    return this.#props;
  }

  /** Bindings to the script's own entrypoints. */
  get exports() {
    this.#invocation;
    return hasFeature(features.kCtxExports) ? getExports() : undefined;
  }
}
configureInterface(ExecutionContext);

function makeContext(invocation, props) {
  return new ExecutionContext(kCreate, invocation, props === "" ? undefined : props);
}

// ---- the script ---------------------------------------------------------------------------------

/** The default export, its fetch method and env, once the script is loaded. */
let target, fetchHandler, env, namespace, exports;
/** What dispatches events of a script that listens for them instead of exporting handlers. */
let serviceWorker;

const kNoDefault = "The main module has no usable default export. Export the handlers: " +
  "export default { async fetch(request, env, ctx) { return new Response(\"Hello\"); } };";

/** Called once, before the script's modules run. */
function begin(isServiceWorker) {
  if (!hasFeature(features.kNodeGlobals)) internals.node.removeGlobals();
  if (!isServiceWorker) return;
  internals.load("web/service_worker.js");
  serviceWorker = internals.serviceWorker;
  serviceWorker.begin(makeContext);
  const bindings = getEnv();
  for (const name of ReflectOwnKeys(bindings)) {
    internals.defineGlobal(name, bindings[name]);
  }
}

/** Called once, after the main module was evaluated; throws a text that says what to change. */
function load(mainNamespace) {
  env = getEnv();
  namespace = mainNamespace;
  const exported = namespace.default;
  if (serviceWorker !== undefined && serviceWorker.isListening() && !hasHandlers(exported)) return;
  serviceWorker = undefined;
  if (!isObject(exported)) throw new TypeError(kNoDefault);
  target = exported;
  if (typeof exported === "function") {
    if (isEntrypointClass(exported)) return;
    throw new TypeError("The main module's default export is a function or a class that does not " +
      "extend WorkerEntrypoint. Export an object with the handlers: export default " +
      "{ fetch(request, env, ctx) { ... } };");
  }
  fetchHandler = exported.fetch;
  if (fetchHandler !== undefined && typeof fetchHandler !== "function") {
    throw new TypeError("The default export's `fetch` is not a function.");
  }
  if (!hasHandlers(exported) && !hasEntrypoints()) {
    throw new TypeError("The main module's default export has no handler. Add one: " +
      "export default { async fetch(request, env, ctx) { return new Response(\"Hello\"); } };");
  }
}

function hasHandlers(exported) {
  return isObject(exported) && (typeof exported.fetch === "function" ||
    typeof exported.scheduled === "function" || typeof exported.queue === "function");
}

/** A script may be there to be called by others only. */
function hasEntrypoints() {
  const names = ReflectOwnKeys(namespace);
  for (let i = 0; i < names.length; i++) {
    if (typeof names[i] === "string" && isEntrypointClass(namespace[names[i]])) return true;
  }
  return false;
}

/** Whether a value is a class that extends WorkerEntrypoint. */
function isEntrypointClass(value) {
  return internals.workers !== undefined && internals.workers.isEntrypointClass(value);
}

const kBindingText = 0, kBindingJson = 1, kBindingKv = 2, kBindingService = 3;

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
    if (kind === kBindingService) {
      internals.load("web/service.js");
      value = internals.service.createBinding(+value);
    }
    ObjectDefineProperty(made, bindings[i + 1],
      { __proto__: null, value, writable: true, enumerable: true, configurable: true });
  }
  return made;
}

/** ctx.exports: what the main module exports, as bindings to it. */
function getExports() {
  if (exports !== undefined) return exports;
  internals.load("web/service.js");
  const made = {};
  const names = ReflectOwnKeys(namespace);
  for (let i = 0; i < names.length; i++) {
    const name = names[i];
    if (typeof name !== "string" || !isObject(namespace[name])) continue;
    ObjectDefineProperty(made, name, {
      __proto__: null, enumerable: true, configurable: true, writable: true,
      value: internals.service.createExport(name === "default" ? "" : name),
    });
  }
  exports = made;
  return exports;
}

/** What an entrypoint is: the default export for "". Throws if there is none of that name. */
function entrypointNamed(name) {
  if (name === "" || name === undefined) return target;
  const exported = ObjectHasOwn(namespace, name) ? namespace[name] : undefined;
  if (!isObject(exported)) {
    throw new TypeError(`The script has no entrypoint "${name}": its main module does not export ` +
      "a class or an object of that name.");
  }
  return exported;
}

/** An entrypoint as what its methods are called on: for a class, a new instance. */
function instanceOf(entrypoint, context) {
  if (typeof entrypoint !== "function") return entrypoint;
  if (!isEntrypointClass(entrypoint)) {
    throw new TypeError("The entrypoint is a class that does not extend WorkerEntrypoint.");
  }
  return new entrypoint(context, env);
}

// ---- events -------------------------------------------------------------------------------------

const kNoFetch = "This script has no fetch handler: its default export needs a method " +
  "fetch(request, env, ctx).";
const kNoScheduled = "This script has no scheduled handler: its default export needs a method " +
  "scheduled(controller, env, ctx).";

/**
 * Event: a request. `content` and `length` are as in requestOfInvocation(). From another script of
 * the tenant with what its binding says.
 */
function onFetch(slot, content, length, entrypoint, props, isRpc) {
  const invocation = openInvocation(slot);
  let result;
  try {
    if (isRpc === true) {
      result = serveCalls(invocation, content, entrypoint, props);
    } else {
      const request = requestOfInvocation(invocation, content, length);
      result = callFetch(invocation, request, entrypoint, props);
      if (isResponse(result)) {
        sendResponse(invocation, result);
      } else {
        settle(invocation, result);
        return;
      }
    }
  } catch (error) {
    fail(invocation, error);
  }
  release(invocation);
}

/** A session of method calls on an entrypoint. */
function serveCalls(invocation, content, entrypoint, props) {
  internals.load("web/rpc.js");
  const context = makeContext(invocation, props);
  return internals.rpc.serve(invocation, content,
    () => instanceOf(entrypointNamed(entrypoint), context), env, context);
}

function callFetch(invocation, request, entrypoint, props) {
  if (fetchHandler !== undefined && entrypoint === undefined) {
    return ReflectApply(fetchHandler, target, [request, env, makeContext(invocation, props)]);
  }
  if (serviceWorker !== undefined) return serviceWorker.fetch(invocation, request);
  const context = makeContext(invocation, props);
  const instance = instanceOf(entrypointNamed(entrypoint), context);
  const handler = instance.fetch;
  if (typeof handler !== "function") throw new TypeError(kNoFetch);
  return ReflectApply(handler, instance, [request, env, context]);
}

/** Event: a tick. `time` is in milliseconds since the epoch. */
function onScheduled(slot, cron, time) {
  const invocation = openInvocation(slot);
  try {
    internals.load("web/scheduled.js");
    const result = callScheduled(invocation, cron, time);
    if (isObject(result)) {
      settleTick(invocation, result);
      return;
    }
  } catch (error) {
    fail(invocation, error);
  }
  release(invocation);
}

function callScheduled(invocation, cron, time) {
  if (serviceWorker !== undefined) return serviceWorker.scheduled(invocation, cron, time);
  const context = makeContext(invocation, "");
  const instance = instanceOf(target, context);
  const handler = instance.scheduled;
  if (typeof handler !== "function") throw new TypeError(kNoScheduled);
  return ReflectApply(handler, instance,
    [internals.scheduled.createController(cron, time), env, context]);
}

async function settleTick(invocation, promise) {
  try {
    await promise;
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
  if (specifier === "cloudflare:sockets") {
    internals.load("web/sockets.js");
    const { connect } = internals.sockets;
    return { connect };
  }
  if (specifier === "cloudflare:workers") {
    internals.load("web/workers.js");
    return internals.workers.module();
  }
  return internals.node.findModule(specifier);
}

internals.handlers = { getEnv, getExports };
internals.entries.builtinModule = builtinModule;
internals.entries.unhandledRejection = onUnhandledRejection;
internals.entries.rejectionHandled = onRejectionHandled;
internals.entries.uncaughtException = onUncaughtException;
internals.entries.begin = begin;
internals.entries.load = load;
internals.entries.fetch = onFetch;
internals.entries.scheduled = onScheduled;
internals.defineGlobal("ExecutionContext", ExecutionContext);

const functions = {
  /** https://html.spec.whatwg.org/#dom-reporterror */
  reportError(error) {
    requiredArguments(arguments.length, 1, "Failed to execute 'reportError'");
    reportException(error);
  },
};
internals.defineGlobal("reportError", functions.reportError);
