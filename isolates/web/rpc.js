// Method calls between scripts of a tenant.
// https://developers.cloudflare.com/workers/runtime-apis/rpc/
//
// A call of a binding's method opens a session: an invocation of the other script, and a body each
// way that carries frames. Each side numbers what it lets the other one call (its exports; 0 is the
// entrypoint). A frame is a header and a value, both written by V8's serializer:
//
//   [kCall, call, export, path, isGet, hosts]  arguments      call (or read) a member of an export
//   [kReturn, call, hosts]                     value
//   [kThrow, call, error]
//   [kRelease, export, count]                  so many references are given up
//
// `hosts` describe what in the value is no plain data; see encode(). The session ends when no call
// is under way and no reference is left, and at the latest with its caller's invocation.

const {
  ArrayPrototypePush, ArrayPrototypeShift, DataView, DataViewPrototypeGetUint32,
  DataViewPrototypeSetUint32, Error, MapPrototypeDelete, MapPrototypeForEach, MapPrototypeGet,
  MapPrototypeGetSize, MapPrototypeSet, Promise, PromisePrototypeThen, ReflectApply, SymbolDispose,
  TypeError, TypedArrayPrototypeGetBuffer, TypedArrayPrototypeGetByteLength,
  TypedArrayPrototypeGetByteOffset, TypedArrayPrototypeSet, TypedArrayPrototypeSubarray, Uint8Array,
} = internals.primordials;
const { isObject } = internals.webidl;
const {
  InboundBody, OutboundBody, checkSubrequest, currentInvocation, forget, own, release, startOp,
} = internals.kernel;
internals.load("web/rpc_stubs.js");
internals.load("web/rpc_values.js");
const stubs = internals.rpcStubs;
const { callMember, disposeAll, isStub, memberAt, withDispose } = stubs;
const { isEntrypoint, isTarget } = internals.workers;
const { decodeError, describeError, encode, decode } = internals.rpcValues;

const kCall = 0, kReturn = 1, kThrow = 2, kRelease = 3;
const kFrameBytesMax = 32 * 1024 * 1024;
const kHeadBytes = 8;

// ---- sessions -----------------------------------------------------------------------------------

class Session {
  invocation;
  #out;
  #in = null;
  #closed = false;
  /** Bytes of a frame that is not complete. */
  #partial = null;
  #queue = [];
  #flushing = false;
  /** By number: what the other side may call, and how often it has been told so. */
  #exports = new Map();
  #numbers = new Map();
  #lastExport = 0;
  /** Numbers of the other side's exports that stubs of this side refer to. */
  #importCount = 0;
  #calls = new Map();
  #lastCall = 0;
  /** The entrypoint's session serves until the other side ends it. */
  #serves;

  constructor(invocation, out, serves) {
    this.invocation = invocation;
    this.#out = out;
    this.#serves = serves;
    own(invocation, this);
  }

  /** The other side's frames come through the inbound body `id`. */
  listen(id) {
    if (this.#closed) return;
    const body = new InboundBody(this.invocation, id, undefined);
    this.#in = body;
    body.start({
      chunk: (bytes) => {
        body.pull();
        this.#receive(bytes);
      },
      end: () => this.end(new Error("The called script ended the session.")),
      error: (error) => this.end(error),
    });
    body.pull();
  }

  get closed() {
    return this.#closed;
  }

  abandon() {
    this.end(new Error("The request that this call belongs to has ended."));
  }

  /** Nothing is said or heard any more. */
  end(error) {
    if (this.#closed) return;
    this.#closed = true;
    forget(this.invocation, this);
    const calls = this.#calls;
    this.#calls = new Map();
    MapPrototypeForEach(calls, (call) => call.reject(error));
    const exports = this.#exports;
    this.#exports = new Map();
    MapPrototypeForEach(exports, (entry) => disposeTarget(entry.target));
    if (!this.#serves) this.invocation.pending++;  // See openSession().
    this.#out.close();
    if (this.#in !== null) this.#in.cancel();
    if (MapPrototypeGetSize(calls) > 0) release(this.invocation);
  }

  #endIfIdle() {
    if (this.#serves || this.#importCount > 0 || MapPrototypeGetSize(this.#calls) > 0 ||
        MapPrototypeGetSize(this.#exports) > 0) {
      return;
    }
    this.end(new Error("The session is over."));
  }

  // ---- writing ----

  #send(header, value) {
    if (this.#closed) return;
    this.#write(frameOf(header, value));
  }

  /** Keeps what the other side is not ready to take in this isolate's own memory. */
  #write(bytes) {
    if (!this.#flushing && this.#out.ready() === undefined) {
      this.#out.write(bytes);
      return;
    }
    ArrayPrototypePush(this.#queue, bytes);
    if (!this.#flushing) this.#flush();
  }

  async #flush() {
    this.#flushing = true;
    while (this.#queue.length > 0 && !this.#closed) {
      await this.#out.ready();
      this.#out.write(ArrayPrototypeShift(this.#queue));
    }
    this.#flushing = false;
  }

  // ---- reading ----

  #receive(bytes) {
    let rest = bytes;
    if (this.#partial !== null) {
      rest = concat(this.#partial, bytes);
      this.#partial = null;
    }
    while (!this.#closed) {
      const size = TypedArrayPrototypeGetByteLength(rest);
      const view = size < kHeadBytes ? null : new DataView(TypedArrayPrototypeGetBuffer(rest),
        TypedArrayPrototypeGetByteOffset(rest), size);
      const headerSize = view === null ? 0 : DataViewPrototypeGetUint32(view, 0);
      const valueSize = view === null ? 0 : DataViewPrototypeGetUint32(view, 4);
      const end = kHeadBytes + headerSize + valueSize;
      if (view === null || size < end) {
        if (size > 0) this.#partial = rest;
        return;
      }
      const header = TypedArrayPrototypeSubarray(rest, kHeadBytes, kHeadBytes + headerSize);
      const value = TypedArrayPrototypeSubarray(rest, kHeadBytes + headerSize, end);
      rest = TypedArrayPrototypeSubarray(rest, end);
      this.#handle(native.rpcRead(header, kNoHosts), value);
    }
  }

  #handle(header, value) {
    switch (header[0]) {
      case kCall:
        perform(this, header, value);
        return;
      case kRelease:
        this.#dropExport(header[1], header[2]);
        return;
      default:
        this.#settle(header, value);
    }
  }

  #settle(header, value) {
    const call = MapPrototypeGet(this.#calls, header[1]);
    if (call === undefined) return;
    MapPrototypeDelete(this.#calls, header[1]);
    try {
      if (header[0] === kThrow) {
        call.reject(decodeError(header[2]));
      } else {
        const references = [];
        const result = decode(this, value, header[2], references);
        call.resolve(withDispose(result, references));
      }
    } catch (error) {
      call.reject(error);
    }
    if (MapPrototypeGetSize(this.#calls) === 0) release(this.invocation);
    this.#endIfIdle();
  }

  // ---- calls ----

  /** Calls, or reads, the member at `path` of the other side's export: a promise. */
  call(number, path, isGet, args) {
    if (this.#closed) throw new Error("The RPC session is over: its request or its script ended.");
    const { hosts, bytes } = encode(this, args);
    const call = {};
    const promise = new Promise((resolve, reject) => {
      call.resolve = resolve;
      call.reject = reject;
    });
    if (MapPrototypeGetSize(this.#calls) === 0) this.invocation.pending++;
    MapPrototypeSet(this.#calls, ++this.#lastCall, call);
    this.#send([kCall, this.#lastCall, number, path, isGet, hosts], bytes);
    return promise;
  }

  reply(number, value) {
    const { hosts, bytes } = encode(this, value);
    this.#send([kReturn, number, hosts], bytes);
  }

  replyError(number, error) {
    this.#send([kThrow, number, describeError(error)], kNoBytes);
  }

  // ---- references ----

  /** The number under which the other side may call `target`. */
  export(target) {
    let number = MapPrototypeGet(this.#numbers, target);
    if (number === undefined) {
      number = ++this.#lastExport;
      MapPrototypeSet(this.#numbers, target, number);
      MapPrototypeSet(this.#exports, number, { target, count: 0 });
    }
    MapPrototypeGet(this.#exports, number).count++;
    return number;
  }

  exported(number) {
    const entry = MapPrototypeGet(this.#exports, number);
    if (entry === undefined) throw new Error("The RPC stub's target is gone.");
    return entry.target;
  }

  /** Export 0, which is never released. */
  exportEntrypoint(target) {
    MapPrototypeSet(this.#exports, 0, { target, count: 1 });
  }

  #dropExport(number, count) {
    const entry = MapPrototypeGet(this.#exports, number);
    if (entry === undefined || number === 0) return;
    entry.count -= count;
    if (entry.count > 0) return;
    MapPrototypeDelete(this.#exports, number);
    MapPrototypeDelete(this.#numbers, entry.target);
    disposeTarget(entry.target);
    this.#endIfIdle();
  }

  /** A stub of this side refers to the other side's export. */
  retain() {
    this.#importCount++;
  }

  releaseImport(number) {
    if (this.#closed) return;
    this.#importCount--;
    this.#send([kRelease, number, 1], kNoBytes);
    this.#endIfIdle();
  }
}

const kNoHosts = [];
const kNoBytes = new Uint8Array(0);

function concat(a, b) {
  const length = TypedArrayPrototypeGetByteLength(a);
  const joined = new Uint8Array(length + TypedArrayPrototypeGetByteLength(b));
  TypedArrayPrototypeSet(joined, a, 0);
  TypedArrayPrototypeSet(joined, b, length);
  return joined;
}

function frameOf(header, value) {
  const head = native.rpcWrite(header, null, null);
  const headSize = TypedArrayPrototypeGetByteLength(head);
  const valueSize = TypedArrayPrototypeGetByteLength(value);
  if (headSize + valueSize > kFrameBytesMax) {
    throw new TypeError(`An RPC message may have ${kFrameBytesMax} bytes; this one has more.`);
  }
  const frame = new Uint8Array(kHeadBytes + headSize + valueSize);
  const view = new DataView(TypedArrayPrototypeGetBuffer(frame));
  DataViewPrototypeSetUint32(view, 0, headSize);
  DataViewPrototypeSetUint32(view, 4, valueSize);
  TypedArrayPrototypeSet(frame, head, kHeadBytes);
  TypedArrayPrototypeSet(frame, value, kHeadBytes + headSize);
  return frame;
}

/** The other side has let go of it: `target[Symbol.dispose]()`, where there is such a method. */
function disposeTarget(target) {
  if (SymbolDispose === undefined || !isObject(target) || !isTarget(target)) return;
  try {
    const dispose = target[SymbolDispose];
    if (typeof dispose === "function") ReflectApply(dispose, target, []);
  } catch (error) {
    internals.kernel.reportException(error, "Symbol.dispose");
  }
}

// ---- the calling side ---------------------------------------------------------------------------

/** A session with a new invocation of the script behind a binding. */
function openSession(service) {
  const invocation = currentInvocation();
  checkSubrequest(invocation, 0);
  const op = startOp(invocation);
  const out = new OutboundBody(invocation);
  // A session keeps its caller's invocation open only while a call is under way.
  invocation.pending--;
  const session = new Session(invocation, out, false);
  out.onGone = () => session.end(new Error("The called script is gone."));
  op.makeValue = (hasBytes, status, flat, bodyId) => bodyId;
  op.makeError = (code, detail) => internals.fetch.serviceError(code, detail);
  native.serviceStart(op.id, invocation.slot, service.binding, service.entrypoint, service.props,
    true, "POST", "http://rpc/", null, out.id, undefined);
  PromisePrototypeThen(op.promise, (bodyId) => {
    if (bodyId === undefined) session.end(new Error("The called script gave no session."));
    else session.listen(bodyId);
  }, (error) => session.end(error));
  return session;
}

// ---- the called side ----------------------------------------------------------------------------

/** Carries out a call of the other side and answers it. */
async function perform(session, header, bytes) {
  const [, number, target, path, isGet, hosts] = header;
  const references = [];
  try {
    const args = decode(session, bytes, hosts, references);
    const { receiver, value } = memberAt(session.exported(target), path);
    if (!isGet && target === 0 && path.length === 1 && session.extraArguments !== undefined &&
        receiver === session.exported(0)) {
      // A method of a plain object of handlers has env and ctx behind its argument.
      args.length = 1;
      ArrayPrototypePush(args, session.extraArguments[0], session.extraArguments[1]);
    }
    const result = await (isGet ? value : callMember(receiver, value, path, args));
    session.reply(number, result);
  } catch (error) {
    session.replyError(number, error);
  }
  // What came with the call goes with it, unless it was duplicated.
  disposeAll(references);
}

/** Serves the calls that come through the inbound body `content`, until it ends. */
function serve(invocation, content, makeInstance, env, context) {
  if (typeof content !== "number") throw new Error("The RPC session has no body.");
  const instance = makeInstance();
  const out = new OutboundBody(invocation);
  const session = new Session(invocation, out, true);
  out.onGone = () => session.end(new Error("The calling script is gone."));
  session.exportEntrypoint(instance);
  if (!isEntrypoint(instance)) session.extraArguments = [env, context];
  native.respond(invocation.slot, 200, null, 0, out.id, undefined);
  session.listen(content);
}

internals.rpc = {
  isStub, localStub: stubs.localStub, importStub: stubs.importStub, numberIn: stubs.numberIn,
  openSession, serve,
  methodOf: (service, name) => stubs.makeProperty(new stubs.ServiceReference(service), [name]),
};
