// Bindings to other scripts of the tenant, and to the script's own entrypoints.
// https://developers.cloudflare.com/workers/runtime-apis/bindings/service-bindings/

const { Error, JSONStringify, ObjectCreate, Proxy, ReflectGet, TypeError } = internals.primordials;
const { configureInterface, illegalConstructor, isObject } = internals.webidl;

/**
 * Where a call goes: `binding` is the number of a service binding, or `entrypoint` names an export
 * of the script itself, with `props` as JSON text.
 */
class Service {
  binding;
  entrypoint;
  props;

  constructor(binding, entrypoint, props) {
    this.binding = binding;
    this.entrypoint = entrypoint;
    this.props = props;
  }
}

/** The type of a binding. Its methods are those of the script behind it. */
class Fetcher {
  constructor() {
    throw illegalConstructor();
  }
}
configureInterface(Fetcher);

/** The types of what calls give; made in rpc.js. */
class RpcStub {
  constructor(target) {
    internals.load("web/rpc.js");
    return internals.rpc.localStub(target);
  }
}
class RpcPromise {
  constructor() {
    throw illegalConstructor();
  }
}
class RpcProperty {
  constructor() {
    throw illegalConstructor();
  }
}
configureInterface(RpcStub);
configureInterface(RpcPromise);
configureInterface(RpcProperty);

const services = new WeakMap();
const { WeakMapPrototypeGet, WeakMapPrototypeSet } = internals.primordials;

function stubOf(service, target, apply) {
  const members = {
    __proto__: null,
    fetch: (input, init = undefined) => internals.fetch.viaService(service, input, init),
    connect: () => {
      throw new Error("connect() is not available on service bindings.");
    },
    // A binding is no promise, whatever methods the script behind it has.
    then: undefined,
  };
  const stub = new Proxy(target, {
    __proto__: null,
    get(own, name) {
      if (name in members) return members[name];
      if (typeof name === "symbol" || name === "constructor") return ReflectGet(own, name);
      internals.load("web/rpc.js");
      return internals.rpc.methodOf(service, name);
    },
    set() {
      throw new TypeError("A service binding cannot be changed.");
    },
    apply,
  });
  WeakMapPrototypeSet(services, stub, service);
  return stub;
}

/** The binding with that number. */
function createBinding(number) {
  return stubOf(new Service(number), ObjectCreate(Fetcher.prototype));
}

/** The script's own entrypoint; called with {props}, one that has them. */
function createExport(entrypoint, props = "") {
  const target = function () {};
  delete target.name;
  delete target.length;
  internals.primordials.ObjectSetPrototypeOf(target, Fetcher.prototype);
  return stubOf(new Service(undefined, entrypoint, props), target, (_, self, [options]) => {
    if (!isObject(options)) throw new TypeError("Call an export with an object: { props }.");
    const { props: given } = options;
    const text = given === undefined ? "" : JSONStringify(given);
    return createExport(entrypoint, text);
  });
}

internals.service = {
  RpcPromise, RpcProperty, RpcStub, ServiceStub: Fetcher, createBinding, createExport,
  isService: (value) => WeakMapPrototypeGet(services, value) !== undefined,
};
