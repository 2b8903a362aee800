// Stubs: what a script holds of another script's (or its own) objects, and what of an object stubs
// can see. https://developers.cloudflare.com/workers/runtime-apis/rpc/

const {
  ArrayIsArray, ArrayPrototypeConcat, ArrayPrototypeIncludes, Error, FunctionPrototypeBind,
  ObjectDefineProperty, ObjectGetPrototypeOf, ObjectHasOwn, ObjectSetPrototypeOf,
  PromisePrototypeThen, PromiseReject, PromiseResolve, Proxy, ReflectApply, SymbolDispose,
  TypeError, WeakMapPrototypeGet, WeakMapPrototypeSet,
} = internals.primordials;
const { isObject } = internals.webidl;
const { checkSubrequest } = internals.kernel;
internals.load("web/service.js");
internals.load("web/workers.js");
const { RpcPromise, RpcProperty, RpcStub } = internals.service;
const { isEntrypoint, isTarget } = internals.workers;

// ---- what can be seen ---------------------------------------------------------------------------

function notImplemented(path) {
  const name = path.length === 0 ? "" : `${path[path.length - 1]}`;
  return new TypeError(`The RPC receiver does not implement the method "${name}".`);
}

/** The methods of an entrypoint that are the platform's to call. */
const kReserved = ["fetch", "connect", "dup"];

/** One step of a path. Only what a class defines, or a plain object has of its own, can be seen. */
function member(holder, name) {
  if (isStub(holder) || internals.service.isService(holder)) return holder[name];
  if (isTarget(holder) || isEntrypoint(holder)) {
    if (name === "constructor") return undefined;
    if (isEntrypoint(holder) && ArrayPrototypeIncludes(kReserved, name)) return undefined;
    for (let each = ObjectGetPrototypeOf(holder); each !== null && each !== kObjectPrototype;
      each = ObjectGetPrototypeOf(each)) {
      if (ObjectHasOwn(each, name)) return holder[name];
    }
    return undefined;
  }
  return ObjectHasOwn(holder, name) ? holder[name] : undefined;
}
const kObjectPrototype = ObjectGetPrototypeOf({});

function memberAt(target, path) {
  let receiver, value = target;
  for (let i = 0; i < path.length; i++) {
    if (!isObject(value)) throw notImplemented(path);
    receiver = value;
    value = member(value, path[i]);
  }
  return { receiver, value };
}

function callMember(receiver, value, path, args) {
  if (typeof value !== "function") throw notImplemented(path);
  return ReflectApply(value, receiver, args);
}

// ---- references ---------------------------------------------------------------------------------

/** What a stub refers to: an export of the other side; given up by dispose(). */
class Reference {
  session;
  number;
  disposed = false;

  constructor(session, number) {
    this.session = session;
    this.number = number;
    session.retain();
  }

  call(path, isGet, args) {
    if (this.disposed) throw new Error("RPC stub used after being disposed.");
    checkSubrequest(this.session.invocation, 0);
    return this.session.call(this.number, path, isGet, args);
  }

  duplicate() {
    if (this.disposed) throw new Error("RPC stub used after being disposed.");
    return new Reference(this.session, this.number);
  }

  dispose() {
    if (this.disposed) return;
    this.disposed = true;
    this.session.releaseImport(this.number);
  }
}

/** The same for an object of this isolate: `new RpcStub(object)`. */
class LocalReference {
  target;
  disposed = false;

  constructor(target) {
    this.target = target;
  }

  async call(path, isGet, args) {
    if (this.disposed) throw new Error("RPC stub used after being disposed.");
    const { receiver, value } = memberAt(this.target, path);
    return isGet ? value : callMember(receiver, value, path, args);
  }

  duplicate() {
    return new LocalReference(this.target);
  }

  dispose() {
    this.disposed = true;
  }
}

/** A service binding: each call is a session of its own. */
class ServiceReference {
  service;

  constructor(service) {
    this.service = service;
  }

  call(path, isGet, args) {
    const session = internals.rpc.openSession(this.service);
    try {
      return session.call(0, path, isGet, args);
    } catch (error) {
      session.end(error);
      throw error;
    }
  }
}

/** The result of a call, and what is called on it before it is there. */
class ResultReference {
  promise;
  /** Somebody took the result itself: whose it is to dispose. */
  claimed = false;

  constructor(promise) {
    this.promise = promise;
  }

  async call(path, isGet, args) {
    const result = await this.promise;
    try {
      let receiver, value = result;
      for (let i = 0; i < path.length; i++) {
        receiver = value;
        value = value[path[i]];
      }
      if (isGet) return await value;
      if (typeof value !== "function") throw notImplemented(path);
      return await ReflectApply(value, receiver, args);
    } finally {
      const dispose = !this.claimed && SymbolDispose !== undefined && isObject(result) ?
        result[SymbolDispose] : undefined;
      if (typeof dispose === "function") ReflectApply(dispose, result, []);
    }
  }
}

/** Proxy -> the reference of a stub. */
const references = new WeakMap();

function isStub(value) {
  return WeakMapPrototypeGet(references, value) !== undefined;
}

function callableTarget(prototype) {
  const target = () => {};
  delete target.name;
  delete target.length;
  ObjectSetPrototypeOf(target, prototype);
  return target;
}

/** What is no member of the object behind a stub. */
function isOwnMember(name) {
  return typeof name === "symbol" || name === "constructor" || name === "prototype";
}

/** A stub: its members are properties of what it refers to, and it can be called. */
function makeStub(reference) {
  const members = {
    __proto__: null,
    dup: () => makeStub(reference.duplicate()),
    then: undefined,
  };
  const dispose = () => reference.dispose();
  const stub = new Proxy(callableTarget(RpcStub.prototype), {
    __proto__: null,
    get(target, name) {
      if (name === SymbolDispose && name !== undefined) return dispose;
      if (name in members) return members[name];
      if (isOwnMember(name)) return target[name];
      return makeProperty(reference, [name]);
    },
    apply: (_, self, args) => makePromise(attempt(reference, [], false, args)),
    set() {
      throw new TypeError("An RPC stub cannot be changed.");
    },
  });
  WeakMapPrototypeSet(references, stub, reference);
  return stub;
}

function attempt(reference, path, isGet, args) {
  try {
    return PromiseResolve(reference.call(path, isGet, args));
  } catch (error) {
    return PromiseReject(error);
  }
}

/** A member of what a reference refers to: can be called, or awaited for its value. */
function makeProperty(reference, path) {
  let got;
  const read = () => got ??= attempt(reference, path, true, []);
  return new Proxy(callableTarget(RpcProperty.prototype), {
    __proto__: null,
    get(target, name) {
      const method = promiseMethod(read, name);
      if (method !== undefined) return method;
      if (isOwnMember(name)) return target[name];
      return makeProperty(reference, ArrayPrototypeConcat(path, [name]));
    },
    apply: (_, self, args) => makePromise(attempt(reference, path, false, args)),
  });
}

/** The promise of a call's result, on which calls can be made right away. */
function makePromise(promise) {
  const reference = new ResultReference(promise);
  const claim = () => {
    reference.claimed = true;
    return promise;
  };
  return new Proxy(callableTarget(RpcPromise.prototype), {
    __proto__: null,
    get(target, name) {
      if (name === SymbolDispose && name !== undefined) return () => disposeLater(promise);
      const method = promiseMethod(claim, name);
      if (method !== undefined) return method;
      if (isOwnMember(name)) return target[name];
      return makeProperty(reference, [name]);
    },
    apply: (_, self, args) => makePromise(attempt(reference, [], false, args)),
  });
}

function disposeLater(promise) {
  PromisePrototypeThen(promise, (result) => {
    const dispose = isObject(result) ? result[SymbolDispose] : undefined;
    if (typeof dispose === "function") ReflectApply(dispose, result, []);
  }, () => {});
}

function promiseMethod(promise, name) {
  if (name !== "then" && name !== "catch" && name !== "finally") return undefined;
  const base = promise();
  return FunctionPrototypeBind(base[name], base);
}

/** Gives a result the method that lets go of every stub in it. */
function withDispose(result, stubs) {
  if (SymbolDispose === undefined || !isObject(result) || isStub(result)) return result;
  const prototype = ObjectGetPrototypeOf(result);
  if (prototype !== null && ObjectGetPrototypeOf(prototype) !== null && !ArrayIsArray(result)) {
    return result;
  }
  ObjectDefineProperty(result, SymbolDispose, {
    __proto__: null, writable: true, enumerable: false, configurable: true,
    value: () => disposeAll(stubs),
  });
  return result;
}

function disposeAll(stubs) {
  for (let i = 0; i < stubs.length; i++) stubs[i].dispose();
}

internals.rpcStubs = {
  Reference, ServiceReference, callMember, disposeAll, isStub, makeProperty, memberAt, withDispose,
  localStub: (target) => makeStub(new LocalReference(target)),
  /** A stub for the other side's export, and the reference that it holds. */
  importStub(session, number) {
    const reference = new Reference(session, number);
    return { stub: makeStub(reference), reference };
  },
  /** The number a stub has in this very session, or undefined. */
  numberIn(session, stub) {
    const reference = WeakMapPrototypeGet(references, stub);
    return reference instanceof Reference && reference.session === session && !reference.disposed ?
      reference.number : undefined;
  },
};
