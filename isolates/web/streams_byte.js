// The controller of readable byte streams.
// https://streams.spec.whatwg.org/#rbs-controller-class

const {
  ArrayBuffer, ArrayBufferPrototypeGetByteLength, ArrayBufferPrototypeGetDetached,
  ArrayBufferPrototypeSlice, ArrayBufferPrototypeTransfer, DataView,
  DataViewPrototypeGetByteLength, DataViewPrototypeGetByteOffset, MathMin, ObjectCreate,
  RangeError, TypeError, TypedArrayPrototypeGetByteLength, TypedArrayPrototypeGetByteOffset,
  TypedArrayPrototypeGetSymbolToStringTag, TypedArrayPrototypeSet, Uint16Array, Uint32Array,
  Uint8Array,
} = internals.primordials;
const { isTypedArray, viewBuffer } = internals.webidl;
const core = internals.streamsCore;
const {
  CLOSED, ERRORED, LinkedList, READABLE, callForPromise, finishedSource, readableClose,
  readableError, resolvedWith, upon,
} = core;

// ---- views --------------------------------------------------------------------------------------

/** Constructor and element size of each kind of typed array, by its Symbol.toStringTag. */
const viewKinds = ObjectCreate(null);
for (const constructor of [Int8Array, Uint8Array, Uint8ClampedArray, Int16Array, Uint16Array,
  Int32Array, Uint32Array, Float32Array, Float64Array, BigInt64Array, BigUint64Array]) {
  viewKinds[constructor.name] = { constructor, size: constructor.BYTES_PER_ELEMENT };
}
if (typeof Float16Array === "function") {
  viewKinds.Float16Array = { constructor: Float16Array, size: 2 };
}
const dataViewKind = { constructor: DataView, size: 1 };
const bytesKind = viewKinds.Uint8Array;

function kindOf(view) {
  const tag = TypedArrayPrototypeGetSymbolToStringTag(view);
  return tag === undefined ? dataViewKind : viewKinds[tag];
}

function byteLengthOf(view) {
  return isTypedArray(view) ? TypedArrayPrototypeGetByteLength(view)
    : DataViewPrototypeGetByteLength(view);
}

function byteOffsetOf(view) {
  return isTypedArray(view) ? TypedArrayPrototypeGetByteOffset(view)
    : DataViewPrototypeGetByteOffset(view);
}

/** Takes the memory over: the buffer is detached. Throws if it cannot be (WebAssembly's). */
const transfer = ArrayBufferPrototypeTransfer;

// ---- the controller -----------------------------------------------------------------------------

class ByteEntry {
  next = null;
  constructor(buffer, byteOffset, byteLength) {
    this.buffer = buffer;
    this.byteOffset = byteOffset;
    this.byteLength = byteLength;
  }
}

/** https://streams.spec.whatwg.org/#pull-into-descriptor */
class PullInto {
  next = null;
  bytesFilled = 0;
  constructor(buffer, byteOffset, byteLength, minimumFill, kind, readerType) {
    this.buffer = buffer;
    this.bufferByteLength = ArrayBufferPrototypeGetByteLength(buffer);
    this.byteOffset = byteOffset;
    this.byteLength = byteLength;
    this.minimumFill = minimumFill;
    this.kind = kind;
    this.readerType = readerType;
  }
}

/**
 * The slots and operations of a ReadableByteStreamController; `source` as for DefaultController.
 * https://streams.spec.whatwg.org/#rbs-controller-internal-slots
 */
class ByteController {
  bytes = true;
  queue = new LinkedList();
  queueTotal = 0;
  pullIntos = new LinkedList();
  byobRequest = null;
  started = false;
  closeRequested = false;
  pulling = false;
  pullAgain = false;
  shell = null;
  onPulled = null;
  onPullFailed = null;

  constructor(stream, source, highWaterMark, autoAllocateChunkSize) {
    this.stream = stream;
    this.source = source;
    this.highWaterMark = highWaterMark;
    this.autoAllocateChunkSize = autoAllocateChunkSize;
    stream.controller = this;
  }

  get public() {
    return (this.shell ??= core.makeByteControllerShell(this));
  }

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
    return this.stream.state === CLOSED ? 0 : this.highWaterMark - this.queueTotal;
  }

  /** https://streams.spec.whatwg.org/#readable-byte-stream-controller-should-call-pull */
  shouldCallPull() {
    const stream = this.stream;
    if (stream.state !== READABLE || this.closeRequested || !this.started) return false;
    if (stream.reader !== null && stream.reader.requests.length > 0) return true;
    return this.highWaterMark - this.queueTotal > 0;
  }

  /** https://streams.spec.whatwg.org/#readable-byte-stream-controller-call-pull-if-needed */
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

  /** https://streams.spec.whatwg.org/#readable-byte-stream-controller-close */
  close() {
    if (!this.canCloseOrEnqueue()) return;
    if (this.queueTotal > 0) {
      this.closeRequested = true;
      return;
    }
    const first = this.pullIntos.head;
    if (first !== null && first.bytesFilled % first.kind.size !== 0) {
      const error = new TypeError("The stream closed in the middle of an element of the view");
      this.error(error);
      throw error;
    }
    this.finish();
    readableClose(this.stream);
  }

  /** https://streams.spec.whatwg.org/#readable-byte-stream-controller-enqueue */
  enqueue(view) {
    if (!this.canCloseOrEnqueue()) return;
    const byteOffset = byteOffsetOf(view);
    const byteLength = byteLengthOf(view);
    this.enqueueOwned(transfer(viewBuffer(view)), byteOffset, byteLength);
  }

  /** The same for memory that nobody else knows: nothing is transferred. */
  enqueueOwned(buffer, byteOffset, byteLength) {
    const stream = this.stream;
    if (this.pullIntos.length > 0) {
      const first = this.pullIntos.head;
      if (ArrayBufferPrototypeGetDetached(first.buffer)) {
        throw new TypeError("The buffer of the pending BYOB request was detached");
      }
      this.invalidateByobRequest();
      first.buffer = transfer(first.buffer);
      if (first.readerType === "none") this.enqueueDetached(first);
    }
    const reader = stream.reader;
    if (reader === null) {
      this.push(buffer, byteOffset, byteLength);
    } else if (!reader.byob) {
      this.fillReadRequests(reader);
      if (reader.requests.length === 0) {
        this.push(buffer, byteOffset, byteLength);
      } else {
        if (this.pullIntos.length > 0) this.pullIntos.shift();
        reader.requests.shift().chunk(new Uint8Array(buffer, byteOffset, byteLength));
      }
    } else {
      this.push(buffer, byteOffset, byteLength);
      this.commitFilled();
    }
    this.callPullIfNeeded();
  }

  push(buffer, byteOffset, byteLength) {
    this.queue.push(new ByteEntry(buffer, byteOffset, byteLength));
    this.queueTotal += byteLength;
  }

  /** "Enqueue cloned chunk to queue". */
  pushClone(buffer, byteOffset, byteLength) {
    let clone;
    try {
      clone = ArrayBufferPrototypeSlice(buffer, byteOffset, byteOffset + byteLength);
    } catch (error) {
      this.error(error);
      throw error;
    }
    this.push(clone, 0, byteLength);
  }

  enqueueDetached(pullInto) {
    if (pullInto.bytesFilled > 0) {
      this.pushClone(pullInto.buffer, pullInto.byteOffset, pullInto.bytesFilled);
    }
    this.pullIntos.shift();
  }

  error(error) {
    if (this.stream.state !== READABLE) return;
    this.invalidateByobRequest();
    this.pullIntos.clear();
    this.resetQueue();
    this.finish();
    readableError(this.stream, error);
  }

  resetQueue() {
    this.queue.clear();
    this.queueTotal = 0;
  }

  finish() {
    this.source = finishedSource;
  }

  invalidateByobRequest() {
    if (this.byobRequest === null) return;
    core.invalidateByobRequest(this.byobRequest);
    this.byobRequest = null;
  }

  /** "Fill pull-into descriptor from queue": whether it has all it needs now. */
  fillFromQueue(pullInto) {
    const room = pullInto.byteLength - pullInto.bytesFilled;
    const available = MathMin(this.queueTotal, room);
    const filledMax = pullInto.bytesFilled + available;
    const aligned = filledMax - filledMax % pullInto.kind.size;
    const ready = aligned >= pullInto.minimumFill;
    let rest = ready ? aligned - pullInto.bytesFilled : available;
    const target = new Uint8Array(pullInto.buffer);
    while (rest > 0) {
      const entry = this.queue.head;
      const count = MathMin(rest, entry.byteLength);
      TypedArrayPrototypeSet(target, new Uint8Array(entry.buffer, entry.byteOffset, count),
        pullInto.byteOffset + pullInto.bytesFilled);
      if (count === entry.byteLength) {
        this.queue.shift();
      } else {
        entry.byteOffset += count;
        entry.byteLength -= count;
      }
      this.queueTotal -= count;
      pullInto.bytesFilled += count;
      rest -= count;
    }
    return ready;
  }

  /** https://streams.spec.whatwg.org/#readable-byte-stream-controller-handle-queue-drain */
  handleQueueDrain() {
    if (this.queueTotal === 0 && this.closeRequested) {
      this.finish();
      readableClose(this.stream);
    } else {
      this.callPullIfNeeded();
    }
  }

  hasChunk() {
    return this.queueTotal > 0;
  }

  takeChunk() {
    const entry = this.queue.shift();
    this.queueTotal -= entry.byteLength;
    this.handleQueueDrain();
    return new Uint8Array(entry.buffer, entry.byteOffset, entry.byteLength);
  }

  /** "Process read requests using queue". */
  fillReadRequests(reader) {
    while (reader.requests.length > 0 && this.queueTotal > 0) {
      const request = reader.requests.shift();
      request.chunk(this.takeChunk());
    }
  }

  /** Fills descriptors from the queue while it lasts; returns those that are full. */
  takeFilled() {
    const filled = new LinkedList();
    while (this.pullIntos.length > 0 && this.queueTotal > 0) {
      if (this.fillFromQueue(this.pullIntos.head)) filled.push(this.pullIntos.shift());
    }
    return filled;
  }

  commitAll(filled) {
    while (filled.length > 0) this.commit(filled.shift());
  }

  commitFilled() {
    this.commitAll(this.takeFilled());
  }

  /** "Commit pull-into descriptor". */
  commit(pullInto) {
    const done = this.stream.state === CLOSED;
    const view = filledView(pullInto);
    const request = this.stream.reader.requests.shift();
    if (done) request.close(pullInto.readerType === "default" ? undefined : view);
    else request.chunk(view);
  }

  /** https://streams.spec.whatwg.org/#readable-byte-stream-controller-pull-into */
  pullInto(view, min, request) {
    const kind = kindOf(view);
    const byteOffset = byteOffsetOf(view);
    const byteLength = byteLengthOf(view);
    let buffer;
    try {
      buffer = transfer(viewBuffer(view));
    } catch (error) {
      request.error(error);
      return;
    }
    const pullInto = new PullInto(buffer, byteOffset, byteLength, min * kind.size, kind, "byob");
    const { requests } = this.stream.reader;
    if (this.pullIntos.length > 0) {
      this.pullIntos.push(pullInto);
      requests.push(request);
      return;
    }
    if (this.stream.state === CLOSED) {
      request.close(new kind.constructor(buffer, byteOffset, 0));
      return;
    }
    if (this.queueTotal > 0) {
      if (this.fillFromQueue(pullInto)) {
        const filled = filledView(pullInto);
        this.handleQueueDrain();
        request.chunk(filled);
        return;
      }
      if (this.closeRequested) {
        const error = new TypeError("The stream closed before the view could be filled");
        this.error(error);
        request.error(error);
        return;
      }
    }
    this.pullIntos.push(pullInto);
    requests.push(request);
    this.callPullIfNeeded();
  }

  /** https://streams.spec.whatwg.org/#readable-byte-stream-controller-respond */
  respond(bytesWritten) {
    const first = this.pullIntos.head;
    if (this.stream.state === CLOSED) {
      if (bytesWritten !== 0) throw new TypeError("The stream is closed: only respond(0) is left");
    } else {
      if (bytesWritten === 0) throw new TypeError("respond(0) is for closed streams only");
      if (first.bytesFilled + bytesWritten > first.byteLength) {
        throw new RangeError("More bytes were written than the view has room for");
      }
    }
    first.buffer = transfer(first.buffer);
    this.respondInternal(bytesWritten);
  }

  /** https://streams.spec.whatwg.org/#readable-byte-stream-controller-respond-with-new-view */
  respondWithNewView(view) {
    const first = this.pullIntos.head;
    const byteLength = byteLengthOf(view);
    if (this.stream.state === CLOSED) {
      if (byteLength !== 0) throw new TypeError("The stream is closed: the view must be empty");
    } else if (byteLength === 0) {
      throw new TypeError("An empty view is for closed streams only");
    }
    if (first.byteOffset + first.bytesFilled !== byteOffsetOf(view)) {
      throw new RangeError("The view does not start where the request's view does");
    }
    if (first.bufferByteLength !== ArrayBufferPrototypeGetByteLength(viewBuffer(view))) {
      throw new RangeError("The view's buffer is not as long as the request's buffer");
    }
    if (first.bytesFilled + byteLength > first.byteLength) {
      throw new RangeError("The view is longer than the request's view");
    }
    first.buffer = transfer(viewBuffer(view));
    this.respondInternal(byteLength);
  }

  respondInternal(bytesWritten) {
    const first = this.pullIntos.head;
    this.invalidateByobRequest();
    if (this.stream.state === CLOSED) {
      this.respondInClosedState(first);
    } else {
      this.respondInReadableState(bytesWritten, first);
    }
    this.callPullIfNeeded();
  }

  respondInClosedState(first) {
    if (first.readerType === "none") this.pullIntos.shift();
    const reader = this.stream.reader;
    if (reader === null || !reader.byob) return;
    const filled = new LinkedList();
    while (filled.length < reader.requests.length) filled.push(this.pullIntos.shift());
    this.commitAll(filled);
  }

  /** https://streams.spec.whatwg.org/#readable-byte-stream-controller-respond-in-readable-state */
  respondInReadableState(bytesWritten, pullInto) {
    pullInto.bytesFilled += bytesWritten;
    if (pullInto.readerType === "none") {
      this.enqueueDetached(pullInto);
      this.commitFilled();
      return;
    }
    if (pullInto.bytesFilled < pullInto.minimumFill) return;
    this.pullIntos.shift();
    const rest = pullInto.bytesFilled % pullInto.kind.size;
    if (rest > 0) {
      this.pushClone(pullInto.buffer, pullInto.byteOffset + pullInto.bytesFilled - rest, rest);
      pullInto.bytesFilled -= rest;
    }
    const filled = this.takeFilled();
    this.commit(pullInto);
    this.commitAll(filled);
  }

  cancelSteps(reason) {
    this.invalidateByobRequest();
    this.pullIntos.clear();
    this.resetQueue();
    const result = callForPromise(this.source.cancel, this.source, [reason]);
    this.finish();
    return result;
  }

  pullSteps(request) {
    if (this.queueTotal > 0) {
      request.chunk(this.takeChunk());
      return;
    }
    if (this.autoAllocateChunkSize !== undefined) {
      let buffer;
      try {
        buffer = new ArrayBuffer(this.autoAllocateChunkSize);
      } catch (error) {
        request.error(error);
        return;
      }
      this.pullIntos.push(
        new PullInto(buffer, 0, this.autoAllocateChunkSize, 1, bytesKind, "default"));
    }
    this.stream.reader.requests.push(request);
    this.callPullIfNeeded();
  }

  releaseSteps() {
    if (this.pullIntos.length === 0) return;
    const first = this.pullIntos.head;
    first.readerType = "none";
    this.pullIntos.clear();
    this.pullIntos.push(first);
  }

  /** https://streams.spec.whatwg.org/#abstract-opdef-readablebytestreamcontrollergetbyobrequest */
  getByobRequest() {
    if (this.byobRequest === null && this.pullIntos.length > 0) {
      this.byobRequest = core.makeByobRequest(this, this.byobView());
    }
    return this.byobRequest;
  }

  /** Where the next bytes may be written to, or null: a BYOB request without its shell. */
  byobView() {
    const first = this.pullIntos.head;
    return first === null ? null
      : new Uint8Array(first.buffer, first.byteOffset + first.bytesFilled,
        first.byteLength - first.bytesFilled);
  }
}

/** https://streams.spec.whatwg.org/#readable-byte-stream-controller-convert-pull-into-descriptor */
function filledView(pullInto) {
  const { constructor, size } = pullInto.kind;
  return new constructor(transfer(pullInto.buffer), pullInto.byteOffset,
    pullInto.bytesFilled / size);
}

core.isolate(ByteEntry, PullInto, ByteController);
core.ByteController = ByteController;
core.kindOf = kindOf;
core.byteLengthOf = byteLengthOf;
core.byteOffsetOf = byteOffsetOf;
core.lazy("makeByteControllerShell", "web/streams_byob.js");
core.lazy("makeByobRequest", "web/streams_byob.js");
core.lazy("invalidateByobRequest", "web/streams_byob.js");

/** As core.makeReadable, but a byte stream. */
core.makeByteReadable = (source, highWaterMark) => {
  const readable = new core.Readable();
  new ByteController(readable, source, highWaterMark, undefined).started = true;
  return readable;
};
