// Values in RPC messages: what V8's serializer takes goes as it is, functions and RpcTargets as
// references, and requests, responses and streams as what they are made of.

const {
  ArrayIsArray, ArrayPrototypePush, Error, MapPrototypeForEach, MapPrototypeGet, MapPrototypeSet,
  ObjectDefineProperty, ObjectGetPrototypeOf, ObjectKeys, ReflectApply, SetPrototypeAdd,
  SetPrototypeForEach, SymbolToStringTag, TypeError, Uint8Array,
} = internals.primordials;
const { isObject } = internals.webidl;
const { domException } = internals;

const kStub = 0, kOwn = 1, kReadable = 2, kWritable = 3, kRequest = 4, kResponse = 5, kHeaders = 6;

/** Stands in a value for what `hosts[index]` describes. */
class Placeholder {
  #index;

  constructor(index) {
    this.#index = index;
  }

  /** Undefined for everything else. */
  static indexOf(value) {
    return #index in value ? value.#index : undefined;
  }
}
const { indexOf } = Placeholder;

const ObjectPrototype = ObjectGetPrototypeOf({});
const isA = (name) => {
  const type = globalThis[name];
  return (value) => value instanceof type;
};
// As they were before a script could put its own there.
const { globalThis } = internals.primordials;
const { isReadable, isWritable } = { isReadable: isA("ReadableStream"),
  isWritable: isA("WritableStream") };
const isRequest = isA("Request"), isResponse = isA("Response"), isHeaders = isA("Headers");

function cloneError(text) {
  return domException("DataCloneError", text);
}

/** Types that V8's serializer takes, by the class that made them. */
const plainTypes = new Set();
for (const name of ["Date", "RegExp", "ArrayBuffer", "DataView", "Int8Array", "Uint8Array",
  "Uint8ClampedArray", "Int16Array", "Uint16Array", "Int32Array", "Uint32Array", "Float16Array",
  "Float32Array", "Float64Array", "BigInt64Array", "BigUint64Array", "Boolean", "Number", "String",
  "Error", "EvalError", "RangeError", "ReferenceError", "SyntaxError", "TypeError", "URIError",
  "AggregateError"]) {
  if (globalThis[name] !== undefined) SetPrototypeAdd(plainTypes, globalThis[name].prototype);
}
const { SetPrototypeHas } = internals.primordials;
const MapPrototype = Map.prototype, SetPrototype = Set.prototype;

// ---- encoding -----------------------------------------------------------------------------------

/** Copies a value with a Placeholder for each thing that is no data. */
class Copier {
  #session;
  #copies = new Map();
  hosts = [];

  constructor(session) {
    this.#session = session;
  }

  copy(value) {
    if (typeof value === "function") return this.#place(this.#reference(value));
    if (!isObject(value)) {
      if (typeof value === "symbol") throw cloneError("A symbol cannot be sent in an RPC message.");
      return value;
    }
    const known = MapPrototypeGet(this.#copies, value);
    if (known !== undefined) return known;
    if (ArrayIsArray(value)) return this.#array(value);
    const prototype = ObjectGetPrototypeOf(value);
    if (prototype === ObjectPrototype || prototype === null) return this.#object(value);
    if (prototype === MapPrototype) return this.#map(value);
    if (prototype === SetPrototype) return this.#set(value);
    if (SetPrototypeHas(plainTypes, prototype)) return value;
    const host = this.#host(value);
    if (host !== undefined) return this.#remember(value, this.#place(host));
    if (value instanceof Error) return toError(value);
    throw cloneError(`Could not serialize object of type "${nameOf(value)}". This type does not ` +
      "support serialization.");
  }

  #remember(value, copy) {
    MapPrototypeSet(this.#copies, value, copy);
    return copy;
  }

  #array(value) {
    const copy = this.#remember(value, []);
    const { length } = value;
    for (let i = 0; i < length; i++) copy[i] = this.copy(value[i]);
    return copy;
  }

  #object(value) {
    const copy = this.#remember(value, {});
    const keys = ObjectKeys(value);
    for (let i = 0; i < keys.length; i++) {
      ObjectDefineProperty(copy, keys[i], {
        __proto__: null, value: this.copy(value[keys[i]]), writable: true, enumerable: true,
        configurable: true,
      });
    }
    return copy;
  }

  #map(value) {
    const copy = this.#remember(value, new Map());
    MapPrototypeForEach(value, (item, key) =>
      MapPrototypeSet(copy, this.copy(key), this.copy(item)));
    return copy;
  }

  #set(value) {
    const copy = this.#remember(value, new Set());
    SetPrototypeForEach(value, (item) => SetPrototypeAdd(copy, this.copy(item)));
    return copy;
  }

  #place(host) {
    ArrayPrototypePush(this.hosts, host);
    return new Placeholder(this.hosts.length - 1);
  }

  #reference(target) {
    const own = internals.rpc.numberIn(this.#session, target);
    return own === undefined ? [kStub, this.#session.export(target)] : [kOwn, own];
  }

  #host(value) {
    if (internals.workers.isTarget(value) || internals.service.isService(value)) {
      return this.#reference(value);
    }
    if (isReadable(value)) return [kReadable, this.#session.export(readerOf(value))];
    if (isWritable(value)) return [kWritable, this.#session.export(writerOf(value))];
    if (isHeaders(value)) return [kHeaders, pairsOf(value)];
    if (isRequest(value)) {
      return [kRequest, value.url, value.method, pairsOf(value.headers), this.#body(value),
        value.redirect];
    }
    if (isResponse(value)) {
      return [kResponse, value.status, value.statusText, pairsOf(value.headers), this.#body(value)];
    }
    return undefined;
  }

  #body(message) {
    return message.body === null ? null : this.#session.export(readerOf(message.body));
  }
}

function nameOf(value) {
  const { constructor } = value;
  return typeof constructor === "function" ? `${constructor.name}` :
    `${value[SymbolToStringTag] ?? "Object"}`;
}

function pairsOf(headers) {
  return [...headers];
}

function encode(session, value) {
  const copier = new Copier(session);
  const copy = copier.copy(value);
  return { hosts: copier.hosts, bytes: native.rpcWrite(copy, indexOf, cloneError) };
}

// ---- decoding -----------------------------------------------------------------------------------

/** `stubs` gets the reference of each stub in the value. */
function decode(session, bytes, hosts, stubs) {
  const objects = [];
  for (let i = 0; i < hosts.length; i++) objects[i] = hostOf(session, hosts[i], stubs);
  return native.rpcRead(bytes, objects);
}

function hostOf(session, host, stubs) {
  const importOf = (number) => internals.rpc.importStub(session, number);
  switch (host[0]) {
    case kStub: {
      const { stub, reference } = importOf(host[1]);
      ArrayPrototypePush(stubs, reference);
      return stub;
    }
    case kOwn:
      return internals.rpc.localStub(session.exported(host[1]));
    case kReadable:
      return readableOf(importOf(host[1]));
    case kWritable:
      return writableOf(importOf(host[1]));
    case kHeaders:
      return new Headers(host[1]);
    case kRequest:
      return new Request(host[1], { method: host[2], headers: host[3], redirect: host[5],
        body: host[4] === null ? undefined : readableOf(importOf(host[4])) });
    case kResponse:
      return new Response(host[4] === null ? null : readableOf(importOf(host[4])),
        { status: host[1], statusText: host[2], headers: host[3] });
    default:
      throw new TypeError("An RPC message holds what this node does not know.");
  }
}
const { Headers, Request, Response, ReadableStream, WritableStream } = globalThis;

// ---- streams ------------------------------------------------------------------------------------

/** What a stream is for the other side: functions it calls. */
function readerOf(stream) {
  const reader = stream.getReader();
  return {
    async pull() {
      const { done, value } = await reader.read();
      if (!done && !(value instanceof Uint8Array)) {
        throw new TypeError("Only streams of bytes can be sent to another script.");
      }
      return done ? null : value;
    },
    cancel: (reason) => reader.cancel(reason),
  };
}

function readableOf({ stub, reference }) {
  return new ReadableStream({
    type: "bytes",
    async pull(controller) {
      const chunk = await stub.pull();
      if (chunk !== null) {
        if (chunk.byteLength > 0) controller.enqueue(chunk);
        return;
      }
      controller.close();
      controller.byobRequest?.respond(0);
      reference.dispose();
    },
    async cancel(reason) {
      await stub.cancel(reason === undefined ? undefined : `${reason}`);
      reference.dispose();
    },
  }, { highWaterMark: 0 });
}

function writerOf(stream) {
  const writer = stream.getWriter();
  return {
    write: (chunk) => writer.write(chunk),
    close: () => writer.close(),
    abort: (reason) => writer.abort(reason),
  };
}

function writableOf({ stub, reference }) {
  return new WritableStream({
    write: async (chunk) => {
      await stub.write(chunk);
    },
    async close() {
      await stub.close();
      reference.dispose();
    },
    async abort(reason) {
      await stub.abort(reason === undefined ? undefined : `${reason}`);
      reference.dispose();
    },
  });
}

// ---- errors -------------------------------------------------------------------------------------

const { errorTypes } = internals.fetch;

function textOf(value) {
  return value === undefined ? "" : `${value}`;
}

/** [name, message, stack, own plain members]; of anything else than an Error, its text. */
function describeError(error) {
  try {
    if (!isObject(error)) return ["Error", textOf(error), "", []];
    const members = [];
    const keys = ObjectKeys(error);
    for (let i = 0; i < keys.length && i < 100; i++) {
      const value = error[keys[i]];
      if (isObject(value) || typeof value === "symbol") continue;
      ArrayPrototypePush(members, [keys[i], value]);
    }
    return [textOf(error.name ?? "Error"), textOf(error.message), textOf(error.stack), members];
  } catch {
    return ["Error", "the thrown value cannot be described", "", []];
  }
}

function hidden(object, name, value) {
  ObjectDefineProperty(object, name,
    { __proto__: null, value, writable: true, enumerable: false, configurable: true });
}

function decodeError([name, message, stack, members]) {
  if (name === "DOMException" || (name !== "Error" && errorTypes[name] === undefined &&
      isDomName(name))) {
    return domException(name, message);
  }
  const type = errorTypes[name] ?? Error;
  const error = new type(message);
  if (error.name !== name) hidden(error, "name", name);
  if (stack !== "") hidden(error, "stack", stack);
  for (let i = 0; i < members.length; i++) error[members[i][0]] = members[i][1];
  hidden(error, "remote", true);
  return error;
}

const kDomNames = new Set(["AbortError", "TimeoutError", "DataCloneError", "NotSupportedError",
  "InvalidStateError", "OperationError", "QuotaExceededError", "NotFoundError", "NetworkError"]);
const isDomName = (name) => SetPrototypeHas(kDomNames, name);

/** An instance of a script's own class of errors, as what the serializer takes. */
function toError(error) {
  const [name, message, stack, members] = describeError(error);
  return decodeError([name, message, stack, members]);
}

internals.rpcValues = { decode, decodeError, describeError, encode };
