// The module "cloudflare:workers".
// https://developers.cloudflare.com/workers/runtime-apis/

const {
  Error, ObjectGetPrototypeOf, ObjectHasOwn, Proxy, ReflectApply, ReflectGet, ReflectHas,
  ReflectOwnKeys, ReflectGetOwnPropertyDescriptor, TypeError,
} = internals.primordials;
const { isObject } = internals.webidl;
const { current, currentInvocation, waitUntil } = internals.kernel;
const { features, handlers, hasFeature } = internals;

// ---- classes ------------------------------------------------------------------------------------

/** What extends it is passed by reference to other scripts, which call its methods. */
class RpcTarget {
  #brand;

  static isTarget(value) {
    return #brand in value;
  }
}
const { isTarget } = RpcTarget;
delete RpcTarget.isTarget;

/** A class that handles requests and calls: one instance each. */
class WorkerEntrypoint {
  #brand;

  constructor(ctx, env) {
    this.ctx = ctx;
    this.env = env;
  }

  static isEntrypoint(value) {
    return #brand in value;
  }
}
const { isEntrypoint } = WorkerEntrypoint;
delete WorkerEntrypoint.isEntrypoint;

function isEntrypointClass(value) {
  if (typeof value !== "function") return false;
  for (let each = value; each !== null; each = ObjectGetPrototypeOf(each)) {
    if (each === WorkerEntrypoint) return true;
  }
  return false;
}

/** A class that can be extended, so that an import does not fail, but never made. */
function absentClass(name, what) {
  return {
    [name]: class {
      constructor() {
        throw new Error(`${name}: ${what} are not available on this node.`);
      }
    },
  }[name];
}

// ---- env ----------------------------------------------------------------------------------------

/** What withEnv() and withExports() put in place of the script's own, for as long as it runs. */
const kEnv = {}, kExports = {};

function currentOf(key, own) {
  const frame = current();
  const changed = internals.asyncContext === undefined || frame === undefined ? undefined :
    internals.asyncContext.get(frame, key);
  return changed ?? own();
}

const currentEnv = () => hasFeature(features.kNoImportableEnv) ? {} :
  currentOf(kEnv, handlers.getEnv);
const currentExports = () => currentOf(kExports, handlers.getExports);

/** An object that is always what `current()` gives. */
function forward(current) {
  return new Proxy({}, {
    __proto__: null,
    get: (_, name) => ReflectGet(current(), name),
    has: (_, name) => ReflectHas(current(), name),
    set(_, name, value) {
      current()[name] = value;
      return true;
    },
    ownKeys: () => ReflectOwnKeys(current()),
    getOwnPropertyDescriptor(_, name) {
      const descriptor = ReflectGetOwnPropertyDescriptor(current(), name);
      if (descriptor !== undefined) descriptor.configurable = true;
      return descriptor;
    },
  });
}

function runWith(changes, callback) {
  if (typeof callback !== "function") throw new TypeError("The last argument is not a function.");
  internals.load("web/async_context.js");
  return internals.asyncContext.run(changes, () => ReflectApply(callback, undefined, []));
}

function requireObject(value) {
  if (!isObject(value)) throw new TypeError("withEnv(): the new env is not an object.");
  return value;
}

// ---- the module ---------------------------------------------------------------------------------

let made;

function module() {
  if (made !== undefined) return made;
  internals.load("web/service.js");
  made = {
    env: forward(currentEnv),
    exports: forward(currentExports),
    waitUntil: (promise) => waitUntil(currentInvocation(), promise),
    withEnv: (env, callback) => runWith([kEnv, requireObject(env)], callback),
    withExports: (exports, callback) => runWith([kExports, requireObject(exports)], callback),
    withEnvAndExports: (env, exports, callback) =>
      runWith([kEnv, requireObject(env), kExports, requireObject(exports)], callback),
    RpcTarget,
    WorkerEntrypoint,
    RpcStub: internals.service.RpcStub,
    RpcPromise: internals.service.RpcPromise,
    RpcProperty: internals.service.RpcProperty,
    ServiceStub: internals.service.ServiceStub,
    DurableObject: absentClass("DurableObject", "Durable Objects"),
    WorkflowEntrypoint: absentClass("WorkflowEntrypoint", "Workflows"),
  };
  return made;
}

internals.workers = { isEntrypoint, isEntrypointClass, isTarget, module };
