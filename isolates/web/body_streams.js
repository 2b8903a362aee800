// What bodies need of streams, on the internal objects of the stream files: no tenant's patch of a
// prototype reaches it, and a stream nobody looks at has no public parts beside itself.

const {
  PromiseWithResolvers, TypeError, TypedArrayPrototypeGetBuffer, TypedArrayPrototypeGetByteLength,
} = internals.primordials;
const core = internals.streamsCore;

/** The writing end of a body's stream; calls after the stream ended do nothing. */
class Sink {
  #controller;

  constructor(controller) {
    this.#controller = controller;
  }

  /** `bytes` is a Uint8Array that nobody else knows. */
  chunk(bytes) {
    this.#controller.enqueueOwned(TypedArrayPrototypeGetBuffer(bytes), 0,
      TypedArrayPrototypeGetByteLength(bytes));
  }

  end() {
    const controller = this.#controller;
    controller.close();
    // A reader that brought its own buffer waits on until it is told that nothing comes.
    if (controller.pullIntos.length > 0) controller.respond(0);
  }

  error(reason) {
    this.#controller.error(reason);
  }
}

/**
 * A byte stream. `source.pull(sink)` is called when a reader waits: it may call sink.chunk(bytes),
 * sink.end() or sink.error(reason), now or later. `source.cancel(reason)` when nobody will.
 */
class BytesSource {
  #source;
  #sink = null;

  constructor(source) {
    this.#source = source;
  }

  pull(controller) {
    if (this.#sink === null) this.#sink = new Sink(controller);
    return this.#source.pull(this.#sink);
  }

  cancel(reason) {
    return this.#source.cancel(reason);
  }
}

function createBytes(source) {
  return core.wrap(core.makeByteReadable(new BytesSource(source), 0));
}

function acquireReader(stream) {
  return core.acquireReader(core.readableOf(stream));
}

/** What it resolves with is nobody's heir: a `then` on Object.prototype is not asked. */
class ReadRequest {
  next = null;
  settlers = PromiseWithResolvers();
  chunk(value) {
    this.settlers.resolve({ __proto__: null, value, done: false });
  }
  close() {
    this.settlers.resolve({ __proto__: null, value: undefined, done: true });
  }
  error(reason) {
    this.settlers.reject(reason);
  }
}

/** A promise of {value, done}. */
function read(reader) {
  const request = new ReadRequest();
  reader.read(request);
  return request.settlers.promise;
}

/** Marks a stream as taken: locked for good. */
function lock(stream) {
  const readable = core.readableOf(stream);
  if (readable.reader === null) core.acquireReader(readable);
}

/** A stream of the same chunks; the original is locked. A chunk that is not bytes is an error. */
function proxy(stream) {
  const reader = acquireReader(stream);
  return createBytes({
    async pull(sink) {
      try {
        const { done, value } = await read(reader);
        if (done) {
          sink.end();
          return;
        }
        const bytes = native.viewBytes(value);
        if (bytes === undefined) {
          throw new TypeError("The body's stream gave a value that is not bytes.");
        }
        sink.chunk(native.copyBytes(bytes));
      } catch (reason) {
        sink.error(reason);
      }
    },
    cancel: (reason) => reader.cancel(reason),
  });
}

/** Gives a stream up; the promise of its source having heard of it needs no handler. */
function cancel(reader, reason) {
  if (reader.stream === null) return undefined;
  const cancelled = reader.cancel(reason);
  core.markHandled(cancelled);
  return cancelled;
}

function tee(stream) {
  const [first, second] = core.tee(core.readableOf(stream), true);
  return { first: core.wrap(first), second: core.wrap(second) };
}

internals.bodyStreams = {
  acquireReader, cancel, createBytes, lock, proxy, read, tee,
  /** The body that a stream was made from or given to; undefined if there is none. */
  bodyOf: (stream) => core.readableOf(stream).nativeBody,
  setBody(stream, body) {
    core.readableOf(stream).nativeBody = body;
  },
  expectedLength: (stream) => core.readableOf(stream).expectedLength,
  fromIterable: (iterable) => core.wrap(core.readableFrom(iterable)),
  isDisturbed: (stream) => core.readableOf(stream).disturbed,
  isLocked: (stream) => core.readableOf(stream).reader !== null,
  isReadableStream: core.isReadableStream,
};
