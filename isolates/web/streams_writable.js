// WritableStream, its writer and its controller. https://streams.spec.whatwg.org/#ws

const {
  PromisePrototypeThen, PromiseReject, PromiseResolve, PromiseWithResolvers, RangeError,
  ReflectApply, TypeError,
} = internals.primordials;
const { configureInterface, illegalConstructor, isObject, requiredArguments, typeError } =
  internals.webidl;
const { abort, defineGlobal, kConstruct, streamsCore: core } = internals;
const { LazyPromise, LinkedList, SizedQueue, callForPromise, illegalReceiver, upon } = core;
const WRITABLE = 0, ERRORING = 1, ERRORED = 2, CLOSED = 3;

// ---- the stream ---------------------------------------------------------------------------------

/** The slots of a WritableStream. https://streams.spec.whatwg.org/#ws-internal-slots */
class Writable {
  state = WRITABLE;
  storedError = undefined;
  writer = null;
  controller = null;
  backpressure = false;
  /** Requests are objects with resolve(undefined) and reject(reason), told once. */
  writeRequests = new LinkedList();
  inFlightWrite = null;
  closeRequest = null;
  inFlightClose = null;
  pendingAbort = null;

  closeQueuedOrInFlight() {
    return this.closeRequest !== null || this.inFlightClose !== null;
  }
}

/** https://streams.spec.whatwg.org/#writable-stream-abort */
function writableAbort(stream, reason) {
  if (stream.state === CLOSED || stream.state === ERRORED) return PromiseResolve(undefined);
  stream.controller.signalAbort(reason);
  // The signal's listeners ran script.
  if (stream.state === CLOSED || stream.state === ERRORED) return PromiseResolve(undefined);
  if (stream.pendingAbort !== null) return stream.pendingAbort.settlers.promise;
  const wasErroring = stream.state === ERRORING;
  if (wasErroring) reason = undefined;
  const settlers = PromiseWithResolvers();
  stream.pendingAbort = { settlers, reason, wasErroring };
  if (!wasErroring) startErroring(stream, reason);
  return settlers.promise;
}

/** https://streams.spec.whatwg.org/#writable-stream-close */
function writableClose(stream) {
  if (stream.state === CLOSED || stream.state === ERRORED) {
    return PromiseReject(new TypeError("The stream is closed or errored already"));
  }
  const request = PromiseWithResolvers();
  stream.closeRequest = request;
  const writer = stream.writer;
  if (writer !== null && stream.backpressure && stream.state === WRITABLE) writer.ready.resolve();
  stream.controller.close();
  return request.promise;
}

function dealWithRejection(stream, error) {
  if (stream.state === WRITABLE) startErroring(stream, error);
  else finishErroring(stream);
}

/** https://streams.spec.whatwg.org/#writable-stream-start-erroring */
function startErroring(stream, reason) {
  stream.state = ERRORING;
  stream.storedError = reason;
  if (stream.writer !== null) stream.writer.ready.rejectAnew(reason);
  if (!hasInFlight(stream) && stream.controller.started) finishErroring(stream);
}

function hasInFlight(stream) {
  return stream.inFlightWrite !== null || stream.inFlightClose !== null;
}

/** https://streams.spec.whatwg.org/#writable-stream-finish-erroring */
function finishErroring(stream) {
  stream.state = ERRORED;
  stream.controller.queue.reset();
  const requests = stream.writeRequests;
  stream.writeRequests = new LinkedList();
  while (requests.length > 0) requests.shift().reject(stream.storedError);
  const abortRequest = stream.pendingAbort;
  if (abortRequest === null) {
    rejectCloseAndClosed(stream);
    return;
  }
  stream.pendingAbort = null;
  if (abortRequest.wasErroring) {
    abortRequest.settlers.reject(stream.storedError);
    rejectCloseAndClosed(stream);
    return;
  }
  const { controller } = stream;
  const result = callForPromise(controller.sink.abort, controller.sink, [abortRequest.reason]);
  controller.finish();
  PromisePrototypeThen(result, () => {
    abortRequest.settlers.resolve(undefined);
    rejectCloseAndClosed(stream);
  }, (error) => {
    abortRequest.settlers.reject(error);
    rejectCloseAndClosed(stream);
  });
}

/** https://streams.spec.whatwg.org/#writable-stream-reject-close-and-closed-promise-if-needed */
function rejectCloseAndClosed(stream) {
  if (stream.closeRequest !== null) {
    stream.closeRequest.reject(stream.storedError);
    stream.closeRequest = null;
  }
  if (stream.writer !== null) stream.writer.closed.reject(stream.storedError);
}

/** https://streams.spec.whatwg.org/#writable-stream-finish-in-flight-close */
function finishInFlightClose(stream) {
  stream.inFlightClose.resolve(undefined);
  stream.inFlightClose = null;
  if (stream.state === ERRORING) {
    stream.storedError = undefined;
    if (stream.pendingAbort !== null) {
      stream.pendingAbort.settlers.resolve(undefined);
      stream.pendingAbort = null;
    }
  }
  stream.state = CLOSED;
  if (stream.writer !== null) stream.writer.closed.resolve();
}

function finishInFlightCloseWithError(stream, error) {
  stream.inFlightClose.reject(error);
  stream.inFlightClose = null;
  if (stream.pendingAbort !== null) {
    stream.pendingAbort.settlers.reject(error);
    stream.pendingAbort = null;
  }
  dealWithRejection(stream, error);
}

/** https://streams.spec.whatwg.org/#writable-stream-update-backpressure */
function updateBackpressure(stream, backpressure) {
  const writer = stream.writer;
  if (writer !== null && backpressure !== stream.backpressure) {
    if (backpressure) writer.ready.renew();
    else writer.ready.resolve();
  }
  stream.backpressure = backpressure;
}

// ---- the writer ---------------------------------------------------------------------------------

/** The slots of a WritableStreamDefaultWriter. */
class Writer {
  closed = new LazyPromise();
  ready = new LazyPromise();

  /** https://streams.spec.whatwg.org/#set-up-writable-stream-default-writer */
  constructor(stream) {
    this.stream = stream;
    stream.writer = this;
    if (stream.state === WRITABLE) {
      if (stream.closeQueuedOrInFlight() || !stream.backpressure) this.ready.resolve();
    } else if (stream.state === CLOSED) {
      this.ready.resolve();
      this.closed.resolve();
    } else {
      this.ready.reject(stream.storedError);
      if (stream.state === ERRORED) this.closed.reject(stream.storedError);
    }
  }

  /** https://streams.spec.whatwg.org/#writable-stream-default-writer-write */
  write(chunk, request) {
    const stream = this.stream;
    const { controller } = stream;
    const size = controller.chunkSize(chunk);
    // The size function is script.
    if (stream !== this.stream) {
      request.reject(new TypeError("The writer was released"));
    } else if (stream.state === ERRORED) {
      request.reject(stream.storedError);
    } else if (stream.closeQueuedOrInFlight() || stream.state === CLOSED) {
      request.reject(new TypeError("The stream is closing or closed"));
    } else if (stream.state === ERRORING) {
      request.reject(stream.storedError);
    } else {
      stream.writeRequests.push(request);
      controller.write(chunk, size);
    }
  }

  get desiredSize() {
    const stream = this.stream;
    if (stream.state === ERRORED || stream.state === ERRORING) return null;
    return stream.state === CLOSED ? 0 : stream.controller.desiredSize;
  }

  /** https://streams.spec.whatwg.org/#writable-stream-default-writer-release */
  release() {
    const error = new TypeError("The writer was released");
    this.ready.rejectAnew(error);
    this.closed.rejectAnew(error);
    this.stream.writer = null;
    this.stream = null;
  }
}

function acquireWriter(stream) {
  if (stream.writer !== null) throw new TypeError("The stream is already locked to a writer");
  return new Writer(stream);
}

/** The write request behind the promise of write(). */
class PromiseWriteRequest {
  next = null;
  settlers = PromiseWithResolvers();
  resolve() {
    this.settlers.resolve(undefined);
  }
  reject(reason) {
    this.settlers.reject(reason);
  }
}

function released() {
  return new TypeError("The writer was released");
}

/** https://streams.spec.whatwg.org/#default-writer-class */
class WritableStreamDefaultWriter {
  #writer;

  constructor(stream) {
    const prefix = "Failed to construct 'WritableStreamDefaultWriter'";
    requiredArguments(arguments.length, 1, prefix);
    this.#writer = acquireWriter(toWritable(stream, prefix, "argument 1"));
  }

  get closed() {
    if (!isObject(this) || !(#writer in this)) return PromiseReject(illegalReceiver());
    return this.#writer.closed.get();
  }

  get desiredSize() {
    if (this.#writer.stream === null) throw released();
    return this.#writer.desiredSize;
  }

  get ready() {
    if (!isObject(this) || !(#writer in this)) return PromiseReject(illegalReceiver());
    return this.#writer.ready.get();
  }

  abort(reason = undefined) {
    if (!isObject(this) || !(#writer in this)) return PromiseReject(illegalReceiver());
    const { stream } = this.#writer;
    return stream === null ? PromiseReject(released()) : writableAbort(stream, reason);
  }

  close() {
    if (!isObject(this) || !(#writer in this)) return PromiseReject(illegalReceiver());
    const { stream } = this.#writer;
    if (stream === null) return PromiseReject(released());
    if (stream.closeQueuedOrInFlight()) {
      return PromiseReject(new TypeError("The stream is closing or closed"));
    }
    return writableClose(stream);
  }

  releaseLock() {
    if (this.#writer.stream !== null) this.#writer.release();
  }

  write(chunk = undefined) {
    if (!isObject(this) || !(#writer in this)) return PromiseReject(illegalReceiver());
    if (this.#writer.stream === null) return PromiseReject(released());
    const request = new PromiseWriteRequest();
    this.#writer.write(chunk, request);
    return request.settlers.promise;
  }
}
configureInterface(WritableStreamDefaultWriter);

// ---- the controller -----------------------------------------------------------------------------

/** A sink that wants nothing: drops the references to the real one once a stream is done. */
const finishedSink = { write: core.noop, close: core.noop, abort: core.noop };

/** What closes the queue. https://streams.spec.whatwg.org/#close-sentinel */
const closeSentinel = { __proto__: null };

/**
 * The slots and operations of a WritableStreamDefaultController. `sink` has write(chunk,
 * controller), close() and abort(reason); what they return is waited for.
 */
class Controller {
  queue = new SizedQueue();
  started = false;
  shell = null;
  abortSignal = null;
  onWritten = null;
  onWriteFailed = null;

  constructor(stream, sink, highWaterMark, size) {
    this.stream = stream;
    this.sink = sink;
    this.highWaterMark = highWaterMark;
    this.size = size;
    stream.controller = this;
    updateBackpressure(stream, this.desiredSize <= 0);
  }

  get public() {
    return (this.shell ??= new WritableStreamDefaultController(kConstruct, this));
  }

  get signal() {
    return (this.abortSignal ??= abort.createSignal());
  }

  get desiredSize() {
    return this.highWaterMark - this.queue.total;
  }

  signalAbort(reason) {
    abort.signalAbort(this.signal, reason);
  }

  startWith(startResult) {
    this.startAfter(core.resolvedWith(startResult));
  }

  startAfter(started) {
    upon(started, () => this.begin(), (error) => {
      this.started = true;
      dealWithRejection(this.stream, error);
    });
  }

  begin() {
    this.started = true;
    this.advance();
  }

  /** https://streams.spec.whatwg.org/#writable-stream-default-controller-get-chunk-size */
  chunkSize(chunk) {
    if (this.size === null) return 1;
    try {
      return this.size(chunk);
    } catch (error) {
      this.errorIfNeeded(error);
      return 1;
    }
  }

  close() {
    this.queue.enqueue(closeSentinel, 0);
    this.advance();
  }

  write(chunk, size) {
    const stream = this.stream;
    try {
      this.queue.enqueue(chunk, size);
    } catch (error) {
      this.errorIfNeeded(error);
      return;
    }
    if (!stream.closeQueuedOrInFlight() && stream.state === WRITABLE) {
      updateBackpressure(stream, this.desiredSize <= 0);
    }
    this.advance();
  }

  errorIfNeeded(error) {
    if (this.stream.state === WRITABLE) this.error(error);
  }

  error(error) {
    this.finish();
    startErroring(this.stream, error);
  }

  finish() {
    this.sink = finishedSink;
    this.size = null;
  }

  /** https://streams.spec.whatwg.org/#writable-stream-default-controller-advance-queue-if-needed */
  advance() {
    const stream = this.stream;
    if (!this.started || stream.inFlightWrite !== null) return;
    if (stream.state === ERRORING) {
      finishErroring(stream);
      return;
    }
    if (this.queue.length === 0 || stream.state !== WRITABLE) return;
    const chunk = this.queue.head.value;
    if (chunk === closeSentinel) this.processClose();
    else this.processWrite(chunk);
  }

  processClose() {
    const stream = this.stream;
    stream.inFlightClose = stream.closeRequest;
    stream.closeRequest = null;
    this.queue.dequeue();
    const result = callForPromise(this.sink.close, this.sink, []);
    this.finish();
    PromisePrototypeThen(result, () => finishInFlightClose(stream),
      (error) => finishInFlightCloseWithError(stream, error));
  }

  processWrite(chunk) {
    const stream = this.stream;
    stream.inFlightWrite = stream.writeRequests.shift();
    if (this.onWritten === null) {
      this.onWritten = () => this.written();
      this.onWriteFailed = (error) => this.writeFailed(error);
    }
    upon(this.sink.write(chunk, this), this.onWritten, this.onWriteFailed);
  }

  written() {
    const stream = this.stream;
    stream.inFlightWrite.resolve(undefined);
    stream.inFlightWrite = null;
    const { state } = stream;
    this.queue.dequeue();
    if (!stream.closeQueuedOrInFlight() && state === WRITABLE) {
      updateBackpressure(stream, this.desiredSize <= 0);
    }
    this.advance();
  }

  writeFailed(error) {
    const stream = this.stream;
    if (stream.state === WRITABLE) this.finish();
    stream.inFlightWrite.reject(error);
    stream.inFlightWrite = null;
    dealWithRejection(stream, error);
  }
}

/** Makes a tenant's underlying sink speak to the controller. */
class TenantSink {
  constructor(receiver, write, close, abortMethod) {
    this.receiver = receiver;
    this.writeMethod = write;
    this.closeMethod = close;
    this.abortMethod = abortMethod;
  }
  write(chunk, controller) {
    if (this.writeMethod === undefined) return undefined;
    try {
      return ReflectApply(this.writeMethod, this.receiver, [chunk, controller.public]);
    } catch (error) {
      return PromiseReject(error);
    }
  }
  close() {
    if (this.closeMethod === undefined) return undefined;
    return ReflectApply(this.closeMethod, this.receiver, []);
  }
  abort(reason) {
    if (this.abortMethod === undefined) return undefined;
    return ReflectApply(this.abortMethod, this.receiver, [reason]);
  }
}

class WritableStreamDefaultController {
  #controller;

  constructor(token = undefined, controller = undefined) {
    if (token !== kConstruct) throw illegalConstructor();
    this.#controller = controller;
  }

  get signal() {
    return this.#controller.signal;
  }

  error(error = undefined) {
    this.#controller.errorIfNeeded(error);
  }
}
configureInterface(WritableStreamDefaultController);

// ---- WritableStream -----------------------------------------------------------------------------

let writableOf;
let isWritableStream;

class WritableStream {
  #writable;

  constructor(underlyingSink = undefined, strategy = undefined) {
    if (underlyingSink === kConstruct) {
      this.#writable = strategy;
      return;
    }
    const writable = this.#writable = new Writable();
    const prefix = "Failed to construct 'WritableStream'";
    const sink = core.optionalObject(underlyingSink, prefix);
    setUpFromSink(writable, sink, core.toStrategy(strategy, prefix, "argument 2"), prefix);
  }

  get locked() {
    return this.#writable.writer !== null;
  }

  abort(reason = undefined) {
    if (!isWritableStream(this)) return PromiseReject(illegalReceiver());
    if (this.#writable.writer !== null) {
      return PromiseReject(new TypeError("Cannot abort a stream that is locked to a writer"));
    }
    return writableAbort(this.#writable, reason);
  }

  close() {
    if (!isWritableStream(this)) return PromiseReject(illegalReceiver());
    const writable = this.#writable;
    if (writable.writer !== null) {
      return PromiseReject(new TypeError("Cannot close a stream that is locked to a writer"));
    }
    if (writable.closeQueuedOrInFlight()) {
      return PromiseReject(new TypeError("The stream is closing or closed"));
    }
    return writableClose(writable);
  }

  getWriter() {
    this.#writable;  // The brand check comes first.
    return new WritableStreamDefaultWriter(this);
  }

  static {
    writableOf = (stream) => stream.#writable;
    isWritableStream = (value) => isObject(value) && #writable in value;
  }
}
configureInterface(WritableStream);

function toWritable(value, prefix, argument) {
  if (!isWritableStream(value)) {
    throw typeError(prefix, argument, "is not of type 'WritableStream'.");
  }
  return writableOf(value);
}

/** https://streams.spec.whatwg.org/#ws-constructor */
function setUpFromSink(writable, sink, strategy, prefix) {
  let abortMethod, close, start, write;
  if (sink !== null) {
    abortMethod = core.methodOf(sink, "abort", prefix);
    close = core.methodOf(sink, "close", prefix);
    start = core.methodOf(sink, "start", prefix);
    if (sink.type !== undefined) {
      throw new RangeError(prefix + ": a sink's type must be undefined.");
    }
    write = core.methodOf(sink, "write", prefix);
  }
  const size = core.sizeOf(strategy);
  const mark = core.highWaterMarkOf(strategy, 1);
  const tenantSink = new TenantSink(sink, write, close, abortMethod);
  const controller = new Controller(writable, tenantSink, mark, size);
  controller.startWith(
    start === undefined ? undefined : ReflectApply(start, sink, [controller.public]));
}

/** A stream of our own: `sink` as for Controller. It has started when this returns. */
function makeWritable(sink, highWaterMark, size = null) {
  const writable = new Writable();
  new Controller(writable, sink, highWaterMark, size).started = true;
  return writable;
}

core.isolate(Writable, Writer, PromiseWriteRequest, Controller, TenantSink);
core.Writable = Writable;
core.WritableStream = WritableStream;
core.WritableController = Controller;
core.WRITABLE = WRITABLE;
core.WRITABLE_ERRORING = ERRORING;
core.WRITABLE_ERRORED = ERRORED;
core.WRITABLE_CLOSED = CLOSED;
core.acquireWriter = acquireWriter;
core.isWritableStream = isWritableStream;
core.makeWritable = makeWritable;
core.toWritable = toWritable;
core.wrapWritable = (writable) => new WritableStream(kConstruct, writable);
core.writableAbort = writableAbort;
core.writableClose = writableClose;
core.writableOf = writableOf;

defineGlobal("WritableStream", WritableStream);
defineGlobal("WritableStreamDefaultWriter", WritableStreamDefaultWriter);
defineGlobal("WritableStreamDefaultController", WritableStreamDefaultController);
