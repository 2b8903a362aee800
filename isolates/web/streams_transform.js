// TransformStream, and the platform's IdentityTransformStream and FixedLengthStream.
// https://streams.spec.whatwg.org/#ts

const {
  ArrayBufferIsView, ArrayBufferPrototypeGetByteLength, ArrayBufferPrototypeSlice, Number,
  PromisePrototypeThen, PromiseReject, PromiseWithResolvers, RangeError, ReflectApply, TypeError,
} = internals.primordials;
const {
  configureInterface, converters, illegalConstructor, isArrayBuffer, requiredArguments, typeError,
  viewBuffer,
} = internals.webidl;
const { defineGlobal, kConstruct, load } = internals;
const core = internals.streamsCore;
load("web/streams_writable.js");
const { ERRORED, LazyPromise, WRITABLE_ERRORED, WRITABLE_ERRORING, callForPromise, upon } = core;

// ---- the machine --------------------------------------------------------------------------------

/**
 * A TransformStream and its controller in one: the source of its readable side, the sink of its
 * writable side. `transformer` has transform(chunk, transform), flush(transform), cancel(reason),
 * each possibly returning a promise; one of ours gets this object, a tenant's the shell.
 * https://streams.spec.whatwg.org/#ts-model
 */
class Transform {
  backpressure = true;
  backpressureChange = new LazyPromise();
  finishing = null;
  shell = null;

  constructor(transformer, writableMark, writableSize, readableMark, readableSize) {
    this.transformer = transformer;
    this.readable = new core.Readable();
    this.writable = new core.Writable();
    this.source = new core.DefaultController(this.readable, this, readableMark, readableSize);
    const sink = {
      write: (chunk) => this.sinkWrite(chunk),
      close: () => this.sinkClose(),
      abort: (reason) => this.finish(reason, "abort"),
    };
    this.sink = new core.WritableController(this.writable, sink, writableMark, writableSize);
  }

  get public() {
    return (this.shell ??= new TransformStreamDefaultController(kConstruct, this));
  }

  begin() {
    this.source.begin();
    this.sink.begin();
  }

  /**
   * The sides start with promises resolved with one that settles as the transformer's start(): two
   * microtasks later than a stream that stands alone.
   */
  startWith(startResult) {
    const started = PromisePrototypeThen(PromisePrototypeThen(
      startResult === undefined ? core.kResolved : core.toPromise(startResult), core.noop),
    core.noop);
    this.sink.startAfter(started);
    this.source.startAfter(started);
  }

  setBackpressure(backpressure) {
    this.backpressureChange.resolve();
    this.backpressureChange = new LazyPromise();
    this.backpressure = backpressure;
  }

  unblockWrite() {
    if (this.backpressure) this.setBackpressure(false);
  }

  /** https://streams.spec.whatwg.org/#transform-stream-error-writable-and-unblock-write */
  errorWritable(error) {
    this.transformer = finishedTransformer;
    this.sink.errorIfNeeded(error);
    this.unblockWrite();
  }

  // ---- for transformers

  /** https://streams.spec.whatwg.org/#transform-stream-default-controller-enqueue */
  enqueue(chunk) {
    const { source } = this;
    if (!source.canCloseOrEnqueue()) throw new TypeError("The readable side is closed or errored");
    try {
      source.enqueue(chunk);
    } catch (error) {
      this.errorWritable(error);
      throw this.readable.storedError;
    }
    if (!source.shouldCallPull() && !this.backpressure) this.setBackpressure(true);
  }

  error(error) {
    this.source.error(error);
    this.errorWritable(error);
  }

  /** Chunks that wait for a reader. */
  get queuedCount() {
    return this.source.queue.length;
  }

  /** Resolves once a reader waits for more, or the stream ended in another way. */
  drained() {
    return this.backpressure ? this.backpressureChange.get() : core.kResolved;
  }

  get canEnqueue() {
    return this.source.canCloseOrEnqueue();
  }

  terminate() {
    this.source.close();
    this.errorWritable(new TypeError("The transform stream was terminated"));
  }

  // ---- the readable side's source

  pull() {
    this.setBackpressure(false);
    return this.backpressureChange.get();
  }

  cancel(reason) {
    return this.finish(reason, "cancel");
  }

  // ---- the writable side's sink

  sinkWrite(chunk) {
    if (!this.backpressure) return this.perform(chunk);
    return PromisePrototypeThen(this.backpressureChange.get(), () => {
      if (this.writable.state === WRITABLE_ERRORING) throw this.writable.storedError;
      return this.perform(chunk);
    });
  }

  /** https://streams.spec.whatwg.org/#transform-stream-default-controller-perform-transform */
  perform(chunk) {
    const { transformer } = this;
    let result;
    try {
      result = transformer.transform(chunk, this);
    } catch (error) {
      this.error(error);
      return PromiseReject(error);
    }
    if (result === undefined) return undefined;
    return PromisePrototypeThen(core.toPromise(result), core.noop, (error) => {
      this.error(error);
      throw error;
    });
  }

  /** https://streams.spec.whatwg.org/#transform-stream-default-sink-close-algorithm */
  sinkClose() {
    if (this.finishing !== null) return this.finishing.promise;
    const finishing = this.finishing = PromiseWithResolvers();
    const flushed = callForPromise(this.transformer.flush, this.transformer, [this]);
    this.transformer = finishedTransformer;
    PromisePrototypeThen(flushed, () => {
      if (this.readable.state === ERRORED) {
        finishing.reject(this.readable.storedError);
      } else {
        this.source.close();
        finishing.resolve(undefined);
      }
    }, (error) => {
      this.source.error(error);
      finishing.reject(error);
    });
    return finishing.promise;
  }

  /**
   * The two early ends.
   * https://streams.spec.whatwg.org/#transform-stream-default-sink-abort-algorithm
   * https://streams.spec.whatwg.org/#transform-stream-default-source-cancel
   */
  finish(reason, how) {
    if (this.finishing !== null) return this.finishing.promise;
    const finishing = this.finishing = PromiseWithResolvers();
    const canceled = callForPromise(this.transformer.cancel, this.transformer, [reason]);
    this.transformer = finishedTransformer;
    const failOther = (error) => {
      if (how === "abort") {
        this.source.error(error);
      } else {
        this.sink.errorIfNeeded(error);
        this.unblockWrite();
      }
    };
    PromisePrototypeThen(canceled, () => {
      const other = how === "abort" ? this.readable : this.writable;
      if (other.state === (how === "abort" ? ERRORED : WRITABLE_ERRORED)) {
        finishing.reject(other.storedError);
      } else {
        failOther(reason);
        finishing.resolve(undefined);
      }
    }, (error) => {
      failOther(error);
      finishing.reject(error);
    });
    return finishing.promise;
  }
}

const finishedTransformer = { transform: core.noop, flush: core.noop, cancel: core.noop };

/** Makes a tenant's transformer speak to the machine. */
class TenantTransformer {
  constructor(receiver, transform, flush, cancel) {
    this.receiver = receiver;
    this.transformMethod = transform;
    this.flushMethod = flush;
    this.cancelMethod = cancel;
  }
  transform(chunk, transform) {
    if (this.transformMethod === undefined) {
      transform.enqueue(chunk);
      return undefined;
    }
    return ReflectApply(this.transformMethod, this.receiver, [chunk, transform.public]);
  }
  flush(transform) {
    if (this.flushMethod === undefined) return undefined;
    return ReflectApply(this.flushMethod, this.receiver, [transform.public]);
  }
  cancel(reason) {
    if (this.cancelMethod === undefined) return undefined;
    return core.resolvedWith(ReflectApply(this.cancelMethod, this.receiver, [reason]));
  }
}

class TransformStreamDefaultController {
  #transform;

  constructor(token = undefined, transform = undefined) {
    if (token !== kConstruct) throw illegalConstructor();
    this.#transform = transform;
  }

  get desiredSize() {
    return this.#transform.source.desiredSize;
  }

  enqueue(chunk = undefined) {
    this.#transform.enqueue(chunk);
  }

  error(reason = undefined) {
    this.#transform.error(reason);
  }

  terminate() {
    this.#transform.terminate();
  }
}
configureInterface(TransformStreamDefaultController);

// ---- TransformStream ----------------------------------------------------------------------------

class TransformStream {
  #readable;
  #writable;

  constructor(transformer = undefined, writableStrategy = undefined, readableStrategy = undefined) {
    let readable, writable;
    if (transformer === kConstruct) {
      readable = writableStrategy;
      writable = readableStrategy;
    } else {
      ({ readable, writable } = setUp(transformer, writableStrategy, readableStrategy));
    }
    this.#readable = core.wrap(readable);
    this.#writable = core.wrapWritable(writable);
  }

  get readable() {
    return this.#readable;
  }

  get writable() {
    return this.#writable;
  }
}
configureInterface(TransformStream);

/** https://streams.spec.whatwg.org/#ts-constructor */
function setUp(transformer, writableStrategy, readableStrategy) {
  const prefix = "Failed to construct 'TransformStream'";
  transformer = core.optionalObject(transformer, prefix);
  writableStrategy = core.toStrategy(writableStrategy, prefix, "argument 2");
  readableStrategy = core.toStrategy(readableStrategy, prefix, "argument 3");
  let cancel, flush, start, transform;
  if (transformer !== null) {
    cancel = core.methodOf(transformer, "cancel", prefix);
    flush = core.methodOf(transformer, "flush", prefix);
    const { readableType } = transformer;
    start = core.methodOf(transformer, "start", prefix);
    transform = core.methodOf(transformer, "transform", prefix);
    if (readableType !== undefined || transformer.writableType !== undefined) {
      throw new RangeError(prefix + ": readableType and writableType must be undefined.");
    }
  }
  const readableMark = core.highWaterMarkOf(readableStrategy, 0);
  const readableSize = core.sizeOf(readableStrategy);
  const writableMark = core.highWaterMarkOf(writableStrategy, 1);
  const writableSize = core.sizeOf(writableStrategy);
  const machine = new Transform(new TenantTransformer(transformer, transform, flush, cancel),
    writableMark, writableSize, readableMark, readableSize);
  machine.startWith(
    start === undefined ? undefined : ReflectApply(start, transformer, [machine.public]));
  return machine;
}

/** A transform of our own, with .readable and .writable; `transformer` as for Transform. */
function makeTransform(transformer) {
  const machine = new Transform(transformer, 1, null, 0, null);
  machine.begin();
  return machine;
}

// ---- byte pipes ---------------------------------------------------------------------------------

/**
 * Bytes in, the same bytes out, nothing kept: a write is done when its bytes were read. Source of a
 * readable byte stream and sink of a writable stream.
 */
class BytePipe {
  /** What the last write waits on. */
  waiting = null;
  seen = 0;

  constructor(length) {
    this.length = length;
    // A mark of 1: pull() tells that the queue ran empty.
    this.readable = core.makeByteReadable(this, 1);
    this.readable.expectedLength = length;
    const sink = {
      write: (chunk) => this.write(chunk),
      close: () => this.close(),
      abort: (reason) => this.readable.controller.error(reason),
    };
    this.writable = core.makeWritable(sink, 1);
  }

  settleWaiting(error) {
    const { waiting } = this;
    if (waiting === null) return;
    this.waiting = null;
    if (error === undefined) waiting.resolve(undefined);
    else waiting.reject(error);
  }

  pull() {
    this.settleWaiting(undefined);
  }

  cancel(reason) {
    this.writable.controller.errorIfNeeded(reason);
    this.settleWaiting(reason ?? new TypeError("The readable side was canceled"));
  }

  write(chunk) {
    const { controller } = this.readable;
    let bytes;
    try {
      bytes = copyBytes(chunk);
    } catch (error) {
      return this.fail(error);
    }
    if (bytes === null) return undefined;
    const byteLength = ArrayBufferPrototypeGetByteLength(bytes);
    this.seen += byteLength;
    if (this.length !== undefined && this.seen > this.length) {
      return this.fail(
        new TypeError("Attempt to write too many bytes through a FixedLengthStream."));
    }
    if (!controller.canCloseOrEnqueue()) return undefined;
    controller.enqueueOwned(bytes, 0, byteLength);
    if (controller.queueTotal === 0) return undefined;
    this.waiting = PromiseWithResolvers();
    return this.waiting.promise;
  }

  close() {
    if (this.length !== undefined && this.seen < this.length) {
      return this.fail(
        new TypeError("FixedLengthStream did not see all expected bytes before close()."));
    }
    try {
      this.readable.controller.close();
    } catch (error) {
      return PromiseReject(error);
    }
    return undefined;
  }

  fail(error) {
    this.readable.controller.error(error);
    return PromiseReject(error);
  }
}

/** A copy of a chunk's bytes, null for none: the writer may reuse its buffer. */
function copyBytes(chunk) {
  const isView = ArrayBufferIsView(chunk);
  if (!isView && !isArrayBuffer(chunk)) {
    throw new TypeError(
      "This stream carries bytes: write an ArrayBuffer or a view of one.");
  }
  const buffer = isView ? viewBuffer(chunk) : chunk;
  const offset = isView ? core.byteOffsetOf(chunk) : 0;
  const length = isView ? core.byteLengthOf(chunk) : ArrayBufferPrototypeGetByteLength(chunk);
  return length === 0 ? null : ArrayBufferPrototypeSlice(buffer, offset, offset + length);
}

class IdentityTransformStream extends TransformStream {
  constructor() {
    // kConstruct with a pipe comes from FixedLengthStream.
    const pipe = arguments[0] === kConstruct ? arguments[1] : new BytePipe(undefined);
    super(kConstruct, pipe.readable, pipe.writable);
  }
}
configureInterface(IdentityTransformStream);

class FixedLengthStream extends IdentityTransformStream {
  constructor(expectedLength) {
    const prefix = "Failed to construct 'FixedLengthStream'";
    requiredArguments(arguments.length, 1, prefix);
    if (typeof expectedLength === "bigint") expectedLength = Number(expectedLength);
    const length = converters.enforcedUnsignedLongLong(expectedLength, prefix, "argument 1");
    super(kConstruct, new BytePipe(length));
  }
}
configureInterface(FixedLengthStream);

core.isolate(Transform, TenantTransformer, BytePipe);
core.Transform = Transform;
core.TransformStream = TransformStream;
core.makeTransform = makeTransform;

defineGlobal("TransformStream", TransformStream);
defineGlobal("TransformStreamDefaultController", TransformStreamDefaultController);
defineGlobal("IdentityTransformStream", IdentityTransformStream);
defineGlobal("FixedLengthStream", FixedLengthStream);
