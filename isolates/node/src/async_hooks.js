// node:async_hooks, over the frames of isolates/web/async_context.js.
internals.load("web/async_context.js");
const context = internals.asyncContext;

class AsyncLocalStorage {
  #defaultValue;
  #name;

  constructor(options = undefined) {
    this.#defaultValue = options?.defaultValue;
    this.#name = options?.name === undefined ? "" : `${options.name}`;
  }

  get name() {
    return this.#name;
  }

  getStore() {
    const kept = context.get(context.snapshot(), this);
    return kept === undefined ? this.#defaultValue : kept;
  }

  run(store, callback, ...args) {
    return context.run([this, store], () => Reflect.apply(callback, undefined, args));
  }

  exit(callback, ...args) {
    return context.run([this, undefined], () => Reflect.apply(callback, undefined, args));
  }

  enterWith(store) {
    context.enterWith([this, store]);
  }

  disable() {
    context.enterWith([this, undefined]);
  }

  static bind(callback) {
    if (typeof callback !== "function") throw typeError("fn", callback);
    const taken = context.snapshot();
    return function (...args) {
      return context.restore(taken, callback, this, args);
    };
  }

  static snapshot() {
    return AsyncLocalStorage.bind((callback, ...args) => callback(...args));
  }
}

function typeError(name, value) {
  const error = new TypeError(`The "${name}" argument must be of type function. Received ` +
    `${value === null ? "null" : `type ${typeof value}`}`);
  error.code = "ERR_INVALID_ARG_TYPE";
  return error;
}

class AsyncResource {
  #taken = context.snapshot();
  #type;

  constructor(type, options = undefined) {
    if (typeof type !== "string") {
      const error = new TypeError('The "type" argument must be of type string.');
      error.code = "ERR_INVALID_ARG_TYPE";
      throw error;
    }
    this.#type = type;
  }

  get type() {
    return this.#type;
  }

  runInAsyncScope(callback, receiver, ...args) {
    return context.restore(this.#taken, callback, receiver, args);
  }

  bind(callback, receiver) {
    if (typeof callback !== "function") throw typeError("fn", callback);
    const resource = this;
    return function (...args) {
      return resource.runInAsyncScope(callback, receiver === undefined ? this : receiver, ...args);
    };
  }

  static bind(callback, type, receiver) {
    return new AsyncResource(type || callback.name || "bound-anonymous-fn").bind(callback,
      receiver);
  }

  emitDestroy() {
    return this;
  }

  asyncId() {
    return 0;
  }

  triggerAsyncId() {
    return 0;
  }
}

/** Hooks are never called: nothing here watches the making of resources. */
function createHook() {
  const hook = { enable: () => hook, disable: () => hook };
  return hook;
}

module.exports = {
  AsyncLocalStorage, AsyncResource, createHook,
  executionAsyncId: () => 0, triggerAsyncId: () => 0, executionAsyncResource: () => ({}),
  asyncWrapProviders: Object.freeze({ __proto__: null }),
};
