// The kernel: the script's side of src/isolate/host.h. It keeps what a script has under way (its
// invocations, the questions it asked the host, the bodies that flow in and out) and decides when
// an invocation is done. It knows no web API; those are built on `internals.kernel`.
//
// The host numbers an invocation by the slot it has in src/webapi/invocation_table.h; everything a
// script started carries the Invocation it belongs to. enter() makes one current, and V8
// carries it along with every promise reaction, so code that runs after an `await` still belongs to
// the request it was started for.

const {
  Error, MapPrototypeDelete, MapPrototypeGet, MapPrototypeSet, Promise, PromisePrototypeThen,
  SetPrototypeAdd, SetPrototypeDelete, SetPrototypeForEach, String, TypeError,
  TypedArrayPrototypeGetByteLength, globalThis,
} = internals.primordials;

// Taken out here, for `native` is a dictionary: finding one in it takes longer than some run.
const {
  done, getContinuationPreservedEmbedderData: current, setContinuationPreservedEmbedderData: enter,
} = native;

// ---- invocations --------------------------------------------------------------------------------

class Invocation {
  /** What V8 carries along may be a Frame of async_context.js instead: both say whose they are. */
  invocation = this;
  open = true;
  /** The handler, each waitUntil() promise and each body on its way out; Done when none is left. */
  pending = 1;
  /** Questions asked so far: fetches and KV operations. */
  subrequests = 0;
  /** Called when the client goes away: aborts request.signal. */
  onClientGone = null;
  /** Whatever must be given up when the invocation ends: objects with abandon(). */
  resources = null;
  slot;

  constructor(slot) {
    this.slot = slot;
  }
}

/** Open invocations by slot. */
const invocations = [];

function openInvocation(slot) {
  const invocation = new Invocation(slot);
  invocations[slot] = invocation;
  enter(invocation);
  return invocation;
}

const kGlobalScope =
  "Disallowed operation called within global scope. Asynchronous I/O (ex: fetch() or connect()), " +
  "setting a timeout, and generating random values are not allowed within global scope. To fix " +
  "this error, perform this operation within a handler.";

/** The invocation this code runs for, ended or not; undefined where there is none. */
function findInvocation() {
  const frame = current();
  return frame === undefined ? undefined : frame.invocation;
}

/** The invocation this code runs for; throws where there is none, and once it has ended. */
function currentInvocation() {
  const invocation = findInvocation();
  if (invocation === undefined) throw new Error(kGlobalScope);
  if (!invocation.open) {
    throw new Error("Cannot perform I/O for a request that has ended. Await the work in the " +
      "handler, or pass its promise to ctx.waitUntil().");
  }
  return invocation;
}

/** Remembers something to abandon() when the invocation ends; forget() it when it is over. */
function own(invocation, resource) {
  if (invocation.resources === null) invocation.resources = new Set();
  SetPrototypeAdd(invocation.resources, resource);
}

function forget(invocation, resource) {
  if (invocation.resources !== null) SetPrototypeDelete(invocation.resources, resource);
}

/** Ends an invocation on this side: nothing of it is heard or said any more. */
function closeInvocation(invocation) {
  invocation.open = false;
  invocation.onClientGone = null;
  invocations[invocation.slot] = undefined;
  const resources = invocation.resources;
  if (resources !== null) {
    invocation.resources = null;
    SetPrototypeForEach(resources, (resource) => resource.abandon());
  }
}

/** Whether nothing but the handler's answer keeps the invocation open. */
function isAboutToEnd(invocation) {
  return invocation.pending === 1 && invocation.resources === null;
}

/** One of the things that `pending` counts is settled. */
function release(invocation) {
  invocation.pending--;
  if (invocation.pending > 0 || !invocation.open) return;
  closeInvocation(invocation);
  done(invocation.slot);
}

/** The name, message and stack of whatever was thrown, without ever throwing itself. */
function describeError(error) {
  let message, stack = "";
  try {
    if (typeof error === "object" && error !== null) {
      const name = error.name, text = error.message;
      if (typeof text === "string" && typeof name === "string") {
        message = text === "" ? name : name + ": " + text;
      }
      if (typeof error.stack === "string") stack = error.stack;
    }
    if (message === undefined) message = typeof error === "symbol" ? String(error) : `${error}`;
  } catch {
    message = "Error: the thrown value cannot be described";
  }
  return { message, stack };
}

/** Where the operator lets debuggers in (src/isolate/inspection.cc), their console shows it. */
function tellDebugger(error) {
  if (internals.onHandlerError !== undefined) internals.onHandlerError(error);
}

/** The handler is at fault: a 500 for the client, the text for the tenant's log. */
function fail(invocation, error, gaveNoResponse = false) {
  if (!invocation.open) return;
  tellDebugger(error);
  const { message, stack } = describeError(error);
  native.failed(invocation.slot, message, stack, gaveNoResponse,
    subrequestError !== undefined && error === subrequestError);
}

/** Whether an error event is being dispatched: what its listeners throw is only logged. */
let reporting = false;

/**
 * An exception nobody caught, outside of the handler's own call: an error event on the global
 * object, and a log unless a listener cancels it.
 * https://html.spec.whatwg.org/#report-an-exception
 */
function reportException(error, where) {
  const { events } = internals;
  if (!reporting && events.hasListeners(globalThis, "error")) {
    const place = native.placeOf(error);
    reporting = true;
    try {
      const event = new events.ErrorEvent("error", { __proto__: null, cancelable: true, error,
        message: `Uncaught ${describeError(error).message}`, filename: place[0], lineno: place[1],
        colno: place[2] });
      if (!events.fire(globalThis, event)) return;
    } finally {
      reporting = false;
    }
  }
  logException(error, where);
}

function logException(error, where) {
  tellDebugger(error);
  const { message, stack } = describeError(error);
  const invocation = findInvocation();
  native.log(invocation !== undefined && invocation.open ? invocation.slot : -1, kLogError,
    `Uncaught ${where === undefined ? "" : `(in ${where}) `}${stack === "" ? message : stack}`);
}
const kLogError = 4;

/** Keeps the invocation open until `promise` settles. */
async function waitUntil(invocation, promise) {
  if (!invocation.open) return;
  invocation.pending++;
  try {
    await promise;
  } catch (error) {
    logException(error, "waitUntil");
  }
  release(invocation);
}

// ---- ops: questions to the host -----------------------------------------------------------------

// The forms in which bytes are taken over from the host; src/webapi/bytes.h has the same numbers.
const kTakeText = 0, kTakeBuffer = 1, kTakeBytes = 2, kTakeJson = 3;

class Op {
  id;
  invocation;
  promise;
  resolve;
  reject;
  /** How bytes come out: kTake.... */
  take = kTakeBytes;
  /** Makes an exception of the host's error code and detail. */
  makeError = defaultError;
  /** Makes the answer's value of the event's fields, where it is not just bytes. */
  makeValue = null;
  /** What hold() was told. */
  bytes = 0;

  constructor(invocation) {
    this.invocation = invocation;
    this.promise = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
  }

  /** The invocation ended; whoever still waits would be running for nobody. */
  abandon() {
    MapPrototypeDelete(ops, this.id);
    landed(this.bytes);
    native.opCancel(this.id);
  }
}

const ops = new Map();
let lastOpId = 0;

const kSubrequestsMax = 10000;
const kInFlightBytesMax = 128 * 1024 * 1024;
let inFlightBytes = 0;
/** The last one thrown: a handler that lets it pass is answered with its own code. */
let subrequestError;

/**
 * To be called before an op for which the host keeps `bytes`, outside of what the isolate's heap
 * limit sees; startOp() gives them back when the op is answered or given up.
 */
function hold(bytes) {
  if (bytes > 0 && inFlightBytes + bytes > kInFlightBytesMax) {
    throw new Error("Too much is being sent or computed at once: await earlier calls first, " +
      `${kInFlightBytesMax / 1024 / 1024} MiB may be under way.`);
  }
  inFlightBytes += bytes;
}

/** Instead of hold(), for a fetch or a KV operation. */
function checkSubrequest(invocation, bytes) {
  if (++invocation.subrequests > kSubrequestsMax) {
    throw subrequestError = new Error(`Too many subrequests: a request may make ` +
      `${kSubrequestsMax} of them, KV operations included.`);
  }
  hold(bytes);
}

function landed(bytes) {
  inFlightBytes -= bytes;
}

/** A question, not yet asked: the caller emits the effect that carries op.id. */
function startOp(invocation, bytes = 0) {
  const op = new Op(invocation);
  op.bytes = bytes;
  lastOpId = lastOpId === 0xffffffff ? 1 : lastOpId + 1;
  op.id = lastOpId;
  MapPrototypeSet(ops, op.id, op);
  own(invocation, op);
  return op;
}

/** The script lost interest: tells the host, and rejects with `reason`. */
function cancelOp(op, reason) {
  if (!MapPrototypeDelete(ops, op.id)) return;
  landed(op.bytes);
  forget(op.invocation, op);
  if (op.invocation.open) native.opCancel(op.id);
  op.reject(reason);
}

function defaultError(code, detail) {
  return new Error(detail);
}

function takeOp(id) {
  const op = MapPrototypeGet(ops, id);
  if (op === undefined) return undefined;
  MapPrototypeDelete(ops, id);
  landed(op.bytes);
  forget(op.invocation, op);
  enter(op.invocation);
  return op;
}

/** Event: an op's answer. With `hasBytes`, native.takeBytes() gives them, during this call only. */
function onOpDone(id, hasBytes, a, b, c, d, e) {
  const op = takeOp(id);
  if (op === undefined) return;
  try {
    if (op.makeValue !== null) op.resolve(op.makeValue(hasBytes, a, b, c, d, e));
    else op.resolve(hasBytes ? native.takeBytes(op.take) : undefined);
  } catch (error) {
    op.reject(error);
  }
}

function onOpFailed(id, code, detail) {
  const op = takeOp(id);
  if (op !== undefined) op.reject(op.makeError(code, detail));
}

// ---- bodies flowing in --------------------------------------------------------------------------

const kCreditBytes = 64 * 1024;
const kCollectBytesMax = 128 * 1024 * 1024;

/** Bodies being streamed to the script, by id. */
const inboundBodies = new Map();

/**
 * A body the host holds: a request's, or a fetched response's. It is read whole (collect), chunk by
 * chunk (start), or handed back unread (take); `id` names it until one of these happened.
 */
class InboundBody {
  id;
  invocation;
  /** In bytes, where known beforehand. */
  length;
  /** Called once nothing more will come. */
  onOver = null;
  #credit = 0;
  #sink = null;
  #collecting = null;
  /** {reason} once it was aborted. */
  #aborted = null;

  constructor(invocation, id, length) {
    this.invocation = invocation;
    this.id = id;
    this.length = length;
  }

  /** A promise of all its bytes in the form `take`. */
  collect(take) {
    const invocation = requireOpen(this.invocation);
    if (this.#aborted !== null) throw this.#aborted.reason;
    const op = startOp(invocation);
    op.take = take;
    op.makeError = bodyError;
    native.bodyCollect(this.id, op.id, kCollectBytesMax);
    if (this.onOver !== null) {
      this.#collecting = op;
      const over = () => this.#over();
      PromisePrototypeThen(op.promise, over, over);
    }
    return op.promise;
  }

  /** The script wants no more of it: whoever reads it, now or later, is told the reason. */
  abort(reason) {
    if (this.#aborted !== null) return;
    this.#aborted = { reason };
    if (this.#collecting !== null) cancelOp(this.#collecting, reason);
    const sink = this.#sink;
    this.cancel();
    if (sink !== null) sink.error(reason);
  }

  /** Lets chunks come: sink.chunk(bytes), then sink.end() or sink.error(error). */
  start(sink) {
    if (this.#aborted !== null) {
      sink.error(this.#aborted.reason);
      return;
    }
    this.#sink = sink;
    MapPrototypeSet(inboundBodies, this.id, this);
    own(this.invocation, this);
  }

  /** The reader wants more. */
  pull() {
    if (!this.invocation.open || this.#credit > 0 || this.#aborted !== null) return;
    this.#credit = kCreditBytes;
    native.bodyPull(this.id, kCreditBytes);
  }

  cancel() {
    this.#stop();
    if (this.invocation.open) native.bodyCancel(this.id);
  }

  abandon() {
    const sink = this.#sink;
    this.#stop();
    if (sink !== null) sink.error(endedError());
  }

  onChunk(bytes) {
    this.#credit -= TypedArrayPrototypeGetByteLength(bytes);
    if (this.#credit < 0) this.#credit = 0;
    if (this.#sink !== null) this.#sink.chunk(bytes);
  }

  onEnd(code, detail) {
    const sink = this.#sink;
    this.#stop();
    if (sink === null) return;
    if (code === undefined) sink.end();
    else sink.error(bodyError(code, detail));
  }

  #stop() {
    this.#sink = null;
    MapPrototypeDelete(inboundBodies, this.id);
    forget(this.invocation, this);
    this.#over();
  }

  #over() {
    const { onOver } = this;
    this.onOver = this.#collecting = null;
    if (onOver !== null) onOver();
  }
}

function endedError() {
  return new Error("The request that this body belongs to has ended.");
}

function requireOpen(invocation) {
  if (!invocation.open) throw endedError();
  return invocation;
}

function bodyError(code, detail) {
  if (code === "too_large") {
    return new TypeError(`The body is too large to be read whole: ${detail}`);
  }
  return new TypeError(`The body broke off: ${detail}`);
}

function onBodyChunk(id, bytes) {
  const body = MapPrototypeGet(inboundBodies, id);
  if (body === undefined) return;
  enter(body.invocation);
  body.onChunk(bytes);
}

function onBodyEnd(id, code, detail) {
  const body = MapPrototypeGet(inboundBodies, id);
  if (body === undefined) return;
  enter(body.invocation);
  body.onEnd(code, detail);
}

// ---- bodies flowing out -------------------------------------------------------------------------

const kHighWaterBytes = 64 * 1024;
const outboundBodies = new Map();
let lastOutboundId = 0xffffffff;

/** A body the script writes chunk by chunk. The invocation stays open until it ends. */
class OutboundBody {
  id;
  invocation;
  #written = 0;
  #accepted = 0;
  #wake = null;
  /** Called when nobody reads any more; may return a promise of having cleaned up. */
  onGone = null;

  constructor(invocation) {
    this.invocation = invocation;
    lastOutboundId = lastOutboundId >= 0xffffffff ? 1 : lastOutboundId + 2;
    this.id = lastOutboundId;
    MapPrototypeSet(outboundBodies, this.id, this);
    own(invocation, this);
    invocation.pending++;
  }

  /** False once it has ended, from either side. */
  get open() {
    return MapPrototypeGet(outboundBodies, this.id) === this;
  }

  /** `chunk` is a view or a buffer of bytes; copied before this returns. */
  write(chunk) {
    if (this.open) this.#written += native.bodyWrite(this.id, chunk);
  }

  /** Resolves when there is room for more, or the body has ended. */
  ready() {
    if (!this.open || this.#written - this.#accepted < kHighWaterBytes) return undefined;
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  /** With an error text, the receiver sees a broken body. */
  close(error) {
    if (!this.open) return;
    native.bodyClose(this.id, error);
    this.#end();
  }

  onAccepted(bytes) {
    this.#accepted += bytes;
    if (this.#written - this.#accepted < kHighWaterBytes) this.#resume();
  }

  /** The host says that nobody reads any more. */
  gone(error) {
    const { invocation, onGone } = this;
    invocation.pending++;  // What the source does about it still belongs to the request.
    this.#end();
    if (onGone !== null) waitUntil(invocation, onGone(error));
    release(invocation);
  }

  abandon() {
    this.gone(endedError());
  }

  #end() {
    MapPrototypeDelete(outboundBodies, this.id);
    forget(this.invocation, this);
    this.onGone = null;
    this.#resume();
    release(this.invocation);
  }

  #resume() {
    const wake = this.#wake;
    this.#wake = null;
    if (wake !== null) wake();
  }
}

function onBodyAccepted(id, bytes) {
  const body = MapPrototypeGet(outboundBodies, id);
  if (body === undefined) return;
  enter(body.invocation);
  body.onAccepted(bytes);
}

function onBodyGone(id, detail) {
  const body = MapPrototypeGet(outboundBodies, id);
  if (body === undefined) return;
  enter(body.invocation);
  body.gone(new Error(`The body's reader is gone: ${detail}`));
}

// ---- the end of invocations ---------------------------------------------------------------------

function onClientGone(slot) {
  const invocation = invocations[slot];
  if (invocation === undefined || invocation.onClientGone === null) return;
  enter(invocation);
  const onGone = invocation.onClientGone;
  invocation.onClientGone = null;
  onGone();
}

function onInvocationOver(slot) {
  const invocation = invocations[slot];
  if (invocation === undefined) return;
  enter(invocation);
  closeInvocation(invocation);
}

internals.kernel = {
  InboundBody, OutboundBody, cancelOp, checkSubrequest, closeInvocation, current, currentInvocation,
  describeError, enter, fail, findInvocation, forget, hold, isAboutToEnd, logException,
  openInvocation, own, release, reportException, startOp, waitUntil,
  kTakeText, kTakeBuffer, kTakeBytes, kTakeJson,
};
/** What src/webapi/guest.cc calls; others add theirs. */
internals.entries = {
  bodyAccepted: onBodyAccepted, bodyChunk: onBodyChunk, bodyEnd: onBodyEnd, bodyGone: onBodyGone,
  clientGone: onClientGone, invocationOver: onInvocationOver, opDone: onOpDone,
  opFailed: onOpFailed,
};
