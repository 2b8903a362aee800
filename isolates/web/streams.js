// What the rest of the built-in scripts may do with streams, and the globals of the lazy ones.

const {
  PromisePrototypeThen, PromiseWithResolvers, TypeError, TypedArrayPrototypeGetByteLength,
  TypedArrayPrototypeGetSymbolToStringTag, TypedArrayPrototypeSet, Uint8Array,
} = internals.primordials;
const core = internals.streamsCore;
const { acquireReader, readableOf, wrap } = core;

const globals = [
  ["CountQueuingStrategy", "web/streams_strategies.js"],
  ["ByteLengthQueuingStrategy", "web/streams_strategies.js"],
  ["ReadableStreamBYOBReader", "web/streams_byob.js"],
  ["ReadableByteStreamController", "web/streams_byob.js"],
  ["ReadableStreamBYOBRequest", "web/streams_byob.js"],
  ["WritableStream", "web/streams_writable.js"],
  ["WritableStreamDefaultWriter", "web/streams_writable.js"],
  ["WritableStreamDefaultController", "web/streams_writable.js"],
  ["TransformStream", "web/streams_transform.js"],
  ["TransformStreamDefaultController", "web/streams_transform.js"],
  ["IdentityTransformStream", "web/streams_transform.js"],
  ["FixedLengthStream", "web/streams_transform.js"],
  ["CompressionStream", "web/compression.js"],
  ["DecompressionStream", "web/compression.js"],
];
for (const entry of globals) internals.defineLazy(entry[0], entry[1]);
core.lazy("makeWritable", "web/streams_writable.js");
core.lazy("wrapWritable", "web/streams_writable.js");
core.lazy("makeTransform", "web/streams_transform.js");

/**
 * A stream of our own: `source` has pull(controller) and cancel(reason), called with the internal
 * controller. It has started when this returns.
 * @param highWaterMark  0: nothing is pulled before somebody reads.
 */
core.makeReadable = (source, highWaterMark, size = null) => {
  const readable = new core.Readable();
  new core.DefaultController(readable, source, highWaterMark, size).started = true;
  return readable;
};

/** The read request that gathers a whole stream of bytes. */
class Collector {
  next = null;
  settlers = PromiseWithResolvers();
  chunks = new core.LinkedList();
  total = 0;
  inRead = false;

  constructor(reader, bytesMax) {
    this.reader = reader;
    this.bytesMax = bytesMax;
  }

  /** Reads until the stream has to wait; loops rather than recurse. */
  run() {
    this.inRead = true;
    do {
      this.answered = false;
      this.reader.read(this);
    } while (this.answered && this.reader !== null);
    this.inRead = false;
  }
  answered = false;

  chunk(bytes) {
    this.answered = true;
    if (TypedArrayPrototypeGetSymbolToStringTag(bytes) !== "Uint8Array") {
      this.fail(new TypeError("The stream carried a chunk that is not a Uint8Array"));
      return;
    }
    const size = TypedArrayPrototypeGetByteLength(bytes);
    this.total += size;
    if (this.total > this.bytesMax) {
      this.fail(new TypeError(`The body is larger than ${this.bytesMax} bytes`));
      return;
    }
    if (size > 0) this.chunks.push({ next: null, bytes });
    // Out of the source's enqueue(): go on a microtask later.
    if (!this.inRead) PromisePrototypeThen(core.kResolved, () => this.run());
  }

  close() {
    this.reader = null;
    const { chunks } = this;
    let result;
    try {
      result = chunks.length === 1 ? chunks.head.bytes : joined(chunks, this.total);
    } catch (error) {
      this.settlers.reject(error);
      return;
    }
    this.settlers.resolve(result);
  }

  error(reason) {
    this.reader = null;
    this.settlers.reject(reason);
  }

  fail(error) {
    core.markHandled(this.reader.cancel(error));
    this.reader = null;
    this.settlers.reject(error);
  }
}

function joined(chunks, total) {
  const result = new Uint8Array(total);
  let offset = 0;
  for (let chunk = chunks.head; chunk !== null; chunk = chunk.next) {
    TypedArrayPrototypeSet(result, chunk.bytes, offset);
    offset += TypedArrayPrototypeGetByteLength(chunk.bytes);
  }
  return result;
}

core.isolate(Collector);
internals.streams = {
  isReadableStream: core.isReadableStream,
  isDisturbed: (stream) => readableOf(stream).disturbed,
  isLocked: (stream) => readableOf(stream).reader !== null,
  isClosed: (stream) => readableOf(stream).state === core.CLOSED,
  isErrored: (stream) => readableOf(stream).state === core.ERRORED,

  /**
   * A ReadableStream of our own making. pull(controller) and cancel(reason) may return a promise or
   * undefined; pull must not throw. The controller has desiredSize, enqueue(chunk), close(),
   * error(reason), canCloseOrEnqueue(); with type "bytes" also enqueueOwned(buffer, byteOffset,
   * byteLength) for memory that nobody else holds (enqueue() transfers instead).
   * @param highWaterMark  default 0: nothing is pulled before somebody reads.
   * @param nativeBody     the id of the host body that the stream stands for.
   * @param expectedLength bytes that will come, where known.
   */
  createReadable({ pull = core.noop, cancel = core.noop, type = undefined, highWaterMark = 0,
    nativeBody = undefined, expectedLength = undefined }) {
    const source = { pull, cancel };
    const readable = type === "bytes"
      ? core.makeByteReadable(source, highWaterMark) : core.makeReadable(source, highWaterMark);
    readable.nativeBody = nativeBody;
    readable.expectedLength = expectedLength;
    if (highWaterMark > 0) readable.controller.callPullIfNeeded();
    return wrap(readable);
  },
  /** The internal controller of a stream made here. */
  controllerOf: (stream) => readableOf(stream).controller,

  /** The host body a stream stands for, while nobody read from it or locked it; else undefined. */
  nativeBody(stream) {
    const readable = readableOf(stream);
    return readable.disturbed || readable.reader !== null ? undefined : readable.nativeBody;
  },
  /** The same, and the stream is locked and disturbed from now on: its bytes go another way. */
  takeNativeBody(stream) {
    const readable = readableOf(stream);
    if (readable.disturbed || readable.reader !== null) return undefined;
    const id = readable.nativeBody;
    if (id === undefined) return undefined;
    acquireReader(readable);
    readable.disturbed = true;
    readable.nativeBody = undefined;
    return id;
  },
  expectedLength: (stream) => readableOf(stream).expectedLength,

  /**
   * A reader without a shell: read(request), cancel(reason) -> promise, release(). A request is a
   * fresh or answered object with `next = null`, chunk(value), close(), error(reason); it may be
   * answered before read() returns, so loop instead of reading from within chunk().
   */
  acquireReader: (stream) => acquireReader(readableOf(stream)),
  /** All bytes of a stream, which is locked from now on: a promise for a Uint8Array. */
  readAll(stream, bytesMax = Infinity) {
    const collector = new Collector(acquireReader(readableOf(stream)), bytesMax);
    const { promise } = collector.settlers;
    collector.run();
    return promise;
  },
  cancel: (stream, reason) => core.readableCancel(readableOf(stream), reason),
  /** Two new streams; the given one is locked. */
  tee(stream) {
    const branches = core.tee(readableOf(stream));
    return [wrap(branches[0]), wrap(branches[1])];
  },
  /**
   * A transform of our own: {readable, writable}, both public. `transformer` has transform(chunk,
   * controller), flush(controller), cancel(reason); the controller enqueue(chunk), error(reason),
   * and for those who make much of little: queuedCount, drained() and canEnqueue.
   */
  createTransform(transformer) {
    const { readable, writable } = core.makeTransform(
      { flush: core.noop, cancel: core.noop, ...transformer });
    return { readable: wrap(readable), writable: core.wrapWritable(writable) };
  },
};
