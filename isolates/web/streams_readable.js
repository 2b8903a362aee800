// ReadableStream, its default reader and its default controller.
// https://streams.spec.whatwg.org/#rs

const {
  ObjectDefineProperty, PromisePrototypeThen, PromiseReject, PromiseResolve, PromiseWithResolvers,
  RangeError, ReflectApply, SymbolAsyncIterator, TypeError,
} = internals.primordials;
const {
  configureInterface, converters, illegalConstructor, isObject, requiredArguments, typeError,
} = internals.webidl;
const { defineGlobal, kConstruct } = internals;
const core = internals.streamsCore;
const { LazyPromise, LinkedList, SizedQueue, callForPromise, resolvedWith, upon } = core;

const { READABLE, CLOSED, ERRORED } = core;

// ---- the stream ---------------------------------------------------------------------------------

/** The slots of a ReadableStream. https://streams.spec.whatwg.org/#rs-internal-slots */
class Readable {
  state = READABLE;
  reader = null;
  controller = null;
  storedError = undefined;
  disturbed = false;
  /** A body that the host can pass on without JavaScript, as long as nobody touched the stream. */
  nativeBody = undefined;
  /** How many bytes will come, where it is known. */
  expectedLength = undefined;
}

/** https://streams.spec.whatwg.org/#readable-stream-cancel */
function readableCancel(stream, reason) {
  stream.disturbed = true;
  if (stream.state === CLOSED) return PromiseResolve(undefined);
  if (stream.state === ERRORED) return PromiseReject(stream.storedError);
  readableClose(stream);
  const reader = stream.reader;
  if (reader !== null && reader.byob) {
    const requests = reader.takeRequests();
    while (requests.length > 0) requests.shift().close(undefined);
  }
  return PromisePrototypeThen(stream.controller.cancelSteps(reason), core.noop);
}

/** https://streams.spec.whatwg.org/#readable-stream-close */
function readableClose(stream) {
  stream.state = CLOSED;
  const reader = stream.reader;
  if (reader === null) return;
  reader.closed.resolve();
  if (reader.byob) return;
  const requests = reader.takeRequests();
  while (requests.length > 0) requests.shift().close(undefined);
}

/** https://streams.spec.whatwg.org/#readable-stream-error */
function readableError(stream, error) {
  stream.state = ERRORED;
  stream.storedError = error;
  const reader = stream.reader;
  if (reader === null) return;
  reader.closed.reject(error);
  reader.failRequests(error);
}

// ---- readers ------------------------------------------------------------------------------------

/**
 * The slots of a reader of either kind. A read request is an object with chunk(value), close(value)
 * and error(reason), called at most one of them, possibly before read() returns.
 */
class Reader {
  requests = new LinkedList();
  closed = new LazyPromise();

  /** https://streams.spec.whatwg.org/#readable-stream-reader-generic-initialize */
  constructor(stream, byob) {
    this.byob = byob;
    this.stream = stream;
    stream.reader = this;
    if (stream.state === CLOSED) this.closed.resolve();
    else if (stream.state === ERRORED) this.closed.reject(stream.storedError);
  }

  /** https://streams.spec.whatwg.org/#readable-stream-default-reader-read */
  read(request) {
    const stream = this.stream;
    stream.disturbed = true;
    if (stream.state === READABLE) stream.controller.pullSteps(request);
    else if (stream.state === CLOSED) request.close(undefined);
    else request.error(stream.storedError);
  }

  cancel(reason) {
    return readableCancel(this.stream, reason);
  }

  takeRequests() {
    const requests = this.requests;
    this.requests = new LinkedList();
    return requests;
  }

  failRequests(error) {
    if (this.requests.length === 0) return;
    const requests = this.takeRequests();
    while (requests.length > 0) requests.shift().error(error);
  }

  /** https://streams.spec.whatwg.org/#abstract-opdef-readablestreamdefaultreaderrelease */
  release() {
    const stream = this.stream;
    const error = new TypeError("The reader was released");
    if (stream.state === READABLE) this.closed.reject(error);
    else this.closed.rejectAnew(error);
    stream.controller.releaseSteps();
    stream.reader = null;
    this.stream = null;
    this.failRequests(error);
  }
}

function acquireReader(stream, byob = false) {
  if (stream.reader !== null) throw new TypeError("The stream is already locked to a reader");
  return new Reader(stream, byob);
}

/** Whether somebody waits for a chunk by a reader of that kind. */
function hasRequests(stream, byob) {
  const reader = stream.reader;
  return reader !== null && reader.byob === byob && reader.requests.length > 0;
}

/** The read request behind a promise: of read() of both public readers. */
class PromiseReadRequest {
  next = null;
  settlers = PromiseWithResolvers();
  chunk(value) {
    this.settlers.resolve({ value, done: false });
  }
  close(value) {
    this.settlers.resolve({ value, done: true });
  }
  error(reason) {
    this.settlers.reject(reason);
  }
}

let readerOf;

/** https://streams.spec.whatwg.org/#default-reader-class */
class ReadableStreamDefaultReader {
  #reader;

  constructor(stream) {
    const prefix = "Failed to construct 'ReadableStreamDefaultReader'";
    requiredArguments(arguments.length, 1, prefix);
    this.#reader = acquireReader(toReadable(stream, prefix, "argument 1"));
  }

  get closed() {
    // An attribute that is a promise rejects on a wrong receiver.
    if (!isObject(this) || !(#reader in this)) return PromiseReject(illegalReceiver());
    return this.#reader.closed.get();
  }

  read() {
    if (!isObject(this) || !(#reader in this)) return PromiseReject(illegalReceiver());
    const reader = this.#reader;
    const stream = reader.stream;
    if (stream === null) return PromiseReject(new TypeError("The reader was released"));
    const controller = stream.controller;
    // What waits in the queue needs no request.
    if (stream.state === READABLE && controller.hasChunk()) {
      stream.disturbed = true;
      return PromiseResolve({ value: controller.takeChunk(), done: false });
    }
    const request = new PromiseReadRequest();
    reader.read(request);
    return request.settlers.promise;
  }

  cancel(reason = undefined) {
    if (!isObject(this) || !(#reader in this)) return PromiseReject(illegalReceiver());
    if (this.#reader.stream === null) {
      return PromiseReject(new TypeError("The reader was released"));
    }
    return this.#reader.cancel(reason);
  }

  releaseLock() {
    if (this.#reader.stream !== null) this.#reader.release();
  }

  static {
    readerOf = (shell) => shell.#reader;
  }
}
configureInterface(ReadableStreamDefaultReader);

function illegalReceiver() {
  return new TypeError("Illegal invocation");
}

// ---- the default controller ---------------------------------------------------------------------

/**
 * The slots and operations of a ReadableStreamDefaultController. `source` has pull(controller) and
 * cancel(reason), each possibly missing; a source of ours gets this object, a tenant's its shell.
 * https://streams.spec.whatwg.org/#rs-default-controller-class
 */
class DefaultController {
  bytes = false;
  queue = new SizedQueue();
  started = false;
  closeRequested = false;
  pulling = false;
  pullAgain = false;
  shell = null;
  onPulled = null;
  onPullFailed = null;

  constructor(stream, source, highWaterMark, size) {
    this.stream = stream;
    this.source = source;
    this.highWaterMark = highWaterMark;
    this.size = size;
    stream.controller = this;
  }

  /** What tenants get to see of this controller. */
  get public() {
    return (this.shell ??= new ReadableStreamDefaultController(kConstruct, this));
  }

  /** Goes on once `startResult` settled; undefined costs a microtask, as the standard has it. */
  startWith(startResult) {
    this.startAfter(resolvedWith(startResult));
  }

  startAfter(started) {
    upon(started, () => this.begin(), (error) => this.error(error));
  }

  begin() {
    this.started = true;
    this.callPullIfNeeded();
  }

  canCloseOrEnqueue() {
    return !this.closeRequested && this.stream.state === READABLE;
  }

  get desiredSize() {
    if (this.stream.state === ERRORED) return null;
    return this.stream.state === CLOSED ? 0 : this.highWaterMark - this.queue.total;
  }

  /** https://streams.spec.whatwg.org/#readable-stream-default-controller-should-call-pull */
  shouldCallPull() {
    if (!this.started || !this.canCloseOrEnqueue()) return false;
    return hasRequests(this.stream, false) || this.highWaterMark - this.queue.total > 0;
  }

  /** https://streams.spec.whatwg.org/#readable-stream-default-controller-call-pull-if-needed */
  callPullIfNeeded() {
    if (!this.shouldCallPull()) return;
    if (this.pulling) {
      this.pullAgain = true;
      return;
    }
    this.pulling = true;
    if (this.onPulled === null) {
      this.onPulled = () => {
        this.pulling = false;
        if (!this.pullAgain) return;
        this.pullAgain = false;
        this.callPullIfNeeded();
      };
      this.onPullFailed = (error) => this.error(error);
    }
    upon(this.source.pull(this), this.onPulled, this.onPullFailed);
  }

  close() {
    if (!this.canCloseOrEnqueue()) return;
    this.closeRequested = true;
    if (this.queue.length === 0) {
      this.source = finishedSource;
      readableClose(this.stream);
    }
  }

  /** https://streams.spec.whatwg.org/#readable-stream-default-controller-enqueue */
  enqueue(chunk) {
    if (!this.canCloseOrEnqueue()) return;
    if (hasRequests(this.stream, false)) {
      this.stream.reader.requests.shift().chunk(chunk);
    } else {
      try {
        this.queue.enqueue(chunk, this.size === null ? 1 : this.size(chunk));
      } catch (error) {
        this.error(error);
        throw error;
      }
    }
    this.callPullIfNeeded();
  }

  error(error) {
    if (this.stream.state !== READABLE) return;
    this.queue.reset();
    this.finish();
    readableError(this.stream, error);
  }

  /** https://streams.spec.whatwg.org/#readable-stream-default-controller-clear-algorithms */
  finish() {
    this.source = finishedSource;
    this.size = null;
  }

  cancelSteps(reason) {
    this.queue.reset();
    const result = callForPromise(this.source.cancel, this.source, [reason]);
    this.finish();
    return result;
  }

  hasChunk() {
    return this.queue.length > 0;
  }

  takeChunk() {
    const chunk = this.queue.dequeue();
    if (this.closeRequested && this.queue.length === 0) {
      this.finish();
      readableClose(this.stream);
    } else {
      this.callPullIfNeeded();
    }
    return chunk;
  }

  pullSteps(request) {
    if (this.queue.length > 0) {
      request.chunk(this.takeChunk());
    } else {
      this.stream.reader.requests.push(request);
      this.callPullIfNeeded();
    }
  }

  releaseSteps() {}
}

/** A source that wants nothing: drops the references to the real one once a stream is done. */
const finishedSource = { pull: core.noop, cancel: core.noop };

/** Makes a tenant's underlying source speak to the controllers above. */
class TenantSource {
  constructor(receiver, pull, cancel) {
    this.receiver = receiver;
    this.pullMethod = pull;
    this.cancelMethod = cancel;
  }
  pull(controller) {
    if (this.pullMethod === undefined) return undefined;
    try {
      return ReflectApply(this.pullMethod, this.receiver, [controller.public]);
    } catch (error) {
      return PromiseReject(error);
    }
  }
  cancel(reason) {
    if (this.cancelMethod === undefined) return undefined;
    return ReflectApply(this.cancelMethod, this.receiver, [reason]);
  }
}

class ReadableStreamDefaultController {
  #controller;

  constructor(token = undefined, controller = undefined) {
    if (token !== kConstruct) throw illegalConstructor();
    this.#controller = controller;
  }

  get desiredSize() {
    return this.#controller.desiredSize;
  }

  close() {
    if (!this.#controller.canCloseOrEnqueue()) throw new TypeError("The stream is already closed");
    this.#controller.close();
  }

  enqueue(chunk = undefined) {
    if (!this.#controller.canCloseOrEnqueue()) throw new TypeError("The stream is already closed");
    this.#controller.enqueue(chunk);
  }

  error(error = undefined) {
    this.#controller.error(error);
  }
}
configureInterface(ReadableStreamDefaultController);

// ---- ReadableStream -----------------------------------------------------------------------------

let readableOf;
let isReadableStream;

class ReadableStream {
  #readable;

  constructor(underlyingSource = undefined, strategy = undefined) {
    if (underlyingSource === kConstruct) {
      this.#readable = strategy;
      return;
    }
    const readable = this.#readable = new Readable();
    const prefix = "Failed to construct 'ReadableStream'";
    const source = core.optionalObject(underlyingSource, prefix);
    setUpFromSource(readable, source, core.toStrategy(strategy, prefix, "argument 2"), prefix);
  }

  /** https://streams.spec.whatwg.org/#rs-from */
  static from(asyncIterable) {
    requiredArguments(arguments.length, 1, "Failed to execute 'from' on 'ReadableStream'");
    return wrap(core.readableFrom(asyncIterable));
  }

  get locked() {
    return this.#readable.reader !== null;
  }

  cancel(reason = undefined) {
    if (!isReadableStream(this)) return PromiseReject(illegalReceiver());
    if (this.#readable.reader !== null) {
      return PromiseReject(new TypeError("Cannot cancel a stream that is locked to a reader"));
    }
    return readableCancel(this.#readable, reason);
  }

  getReader(options = undefined) {
    const readable = this.#readable;
    const prefix = "Failed to execute 'getReader' on 'ReadableStream'";
    if (options !== undefined && options !== null && !isObject(options)) {
      throw typeError(prefix, "argument 1", "is not an object.");
    }
    const mode = options?.mode;
    if (mode === undefined) return new ReadableStreamDefaultReader(this);
    if (converters.DOMString(mode, prefix, "mode") !== "byob") {
      throw typeError(prefix, "mode", `is '${mode}', but only 'byob' is known.`);
    }
    return core.makeByobReader(this);
  }

  pipeThrough(transform, options = undefined) {
    const readable = this.#readable;
    const prefix = "Failed to execute 'pipeThrough' on 'ReadableStream'";
    requiredArguments(arguments.length, 1, prefix);
    if (!isObject(transform)) throw typeError(prefix, "argument 1", "is not an object.");
    const target = transform.readable;
    if (!isReadableStream(target)) {
      throw typeError(prefix, "readable of argument 1", "is not of type 'ReadableStream'.");
    }
    const writable = core.toWritable(transform.writable, prefix, "writable of argument 1");
    const pipeOptions = core.toPipeOptions(options, prefix, "argument 2");
    if (readable.reader !== null) throw new TypeError(prefix + ": the stream is locked.");
    if (writable.writer !== null) throw new TypeError(prefix + ": the writable side is locked.");
    core.markHandled(core.pipe(readable, writable, pipeOptions));
    return target;
  }

  pipeTo(destination, options = undefined) {
    // An operation that returns a promise rejects where another would throw.
    try {
      const readable = this.#readable;
      const prefix = "Failed to execute 'pipeTo' on 'ReadableStream'";
      requiredArguments(arguments.length, 1, prefix);
      const writable = core.toWritable(destination, prefix, "argument 1");
      const pipeOptions = core.toPipeOptions(options, prefix, "argument 2");
      if (readable.reader !== null) throw new TypeError(prefix + ": the stream is locked.");
      if (writable.writer !== null) throw new TypeError(prefix + ": the destination is locked.");
      return core.pipe(readable, writable, pipeOptions);
    } catch (error) {
      return PromiseReject(error);
    }
  }

  tee() {
    const branches = core.tee(this.#readable);
    return [wrap(branches[0]), wrap(branches[1])];
  }

  values(options = undefined) {
    return core.makeAsyncIterator(this.#readable, options);
  }

  static {
    readableOf = (stream) => stream.#readable;
    isReadableStream = (value) => isObject(value) && #readable in value;
  }
}
configureInterface(ReadableStream);
ObjectDefineProperty(ReadableStream.prototype, SymbolAsyncIterator, {
  __proto__: null, value: ReadableStream.prototype.values, writable: true, enumerable: false,
  configurable: true,
});

/** The public stream of a Readable. One each, by whoever made the Readable. */
function wrap(readable) {
  return new ReadableStream(kConstruct, readable);
}

function toReadable(value, prefix, argument) {
  if (!isReadableStream(value)) {
    throw typeError(prefix, argument, "is not of type 'ReadableStream'.");
  }
  return readableOf(value);
}

/** https://streams.spec.whatwg.org/#rs-constructor */
function setUpFromSource(readable, source, strategy, prefix) {
  let autoAllocateChunkSize, cancel, pull, start, type;
  if (source !== null) {
    // In the order of a dictionary's members.
    autoAllocateChunkSize = source.autoAllocateChunkSize;
    if (autoAllocateChunkSize !== undefined) {
      autoAllocateChunkSize = converters.enforcedUnsignedLongLong(autoAllocateChunkSize, prefix,
        "autoAllocateChunkSize");
    }
    cancel = core.methodOf(source, "cancel", prefix);
    pull = core.methodOf(source, "pull", prefix);
    start = core.methodOf(source, "start", prefix);
    type = source.type;
  }
  const tenantSource = new TenantSource(source, pull, cancel);
  let controller;
  if (type !== undefined) {
    if (converters.DOMString(type, prefix, "type") !== "bytes") {
      throw typeError(prefix, "type", `is '${type}', but only 'bytes' is known.`);
    }
    if (strategy.size !== undefined) {
      throw new RangeError(prefix + ": a byte stream's strategy cannot have a size function.");
    }
    const mark = core.highWaterMarkOf(strategy, 0);
    if (autoAllocateChunkSize === 0) throw typeError(prefix, "autoAllocateChunkSize", "is 0.");
    controller = new core.ByteController(readable, tenantSource, mark, autoAllocateChunkSize);
  } else {
    const size = core.sizeOf(strategy);
    const mark = core.highWaterMarkOf(strategy, 1);
    controller = new DefaultController(readable, tenantSource, mark, size);
  }
  controller.startWith(
    start === undefined ? undefined : ReflectApply(start, source, [controller.public]));
}

core.isolate(Readable, Reader, PromiseReadRequest, DefaultController, TenantSource);
core.Readable = Readable;
core.Reader = Reader;
core.DefaultController = DefaultController;
core.PromiseReadRequest = PromiseReadRequest;
core.finishedSource = finishedSource;
core.acquireReader = acquireReader;
core.hasRequests = hasRequests;
core.illegalReceiver = illegalReceiver;
core.isReadableStream = isReadableStream;
core.readableCancel = readableCancel;
core.readableClose = readableClose;
core.readableError = readableError;
core.readableOf = readableOf;
core.readerOf = readerOf;
core.toReadable = toReadable;
core.wrap = wrap;

core.lazy("acquireByobReader", "web/streams_byob.js");
core.lazy("makeByobReader", "web/streams_byob.js");
core.lazy("readInto", "web/streams_byob.js");
core.lazy("tee", "web/streams_tee.js");
core.lazy("readableFrom", "web/streams_iterate.js");
core.lazy("makeAsyncIterator", "web/streams_iterate.js");
core.lazy("pipe", "web/streams_pipe.js");
core.lazy("toPipeOptions", "web/streams_pipe.js");
core.lazy("toWritable", "web/streams_writable.js");

defineGlobal("ReadableStream", ReadableStream);
defineGlobal("ReadableStreamDefaultReader", ReadableStreamDefaultReader);
defineGlobal("ReadableStreamDefaultController", ReadableStreamDefaultController);
