// Piping: one loop from a readable's chunks to a writable's queue, with no promise for each chunk.
// https://streams.spec.whatwg.org/#readable-stream-pipe-to

const {
  PromisePrototypeThen, PromiseReject, PromiseResolve, PromiseWithResolvers, TypeError,
} = internals.primordials;
const { isObject, typeError } = internals.webidl;
const { abort, load } = internals;
const core = internals.streamsCore;
load("web/streams_writable.js");
const {
  CLOSED, ERRORED, READABLE, WRITABLE, WRITABLE_CLOSED, WRITABLE_ERRORED, WRITABLE_ERRORING,
} = core;

const noOptions = {
  preventAbort: false, preventCancel: false, preventClose: false, signal: undefined,
};

/** https://streams.spec.whatwg.org/#dictdef-streampipeoptions */
function toPipeOptions(value, prefix, argument) {
  if (value === undefined || value === null) return noOptions;
  if (!isObject(value)) throw typeError(prefix, argument, "is not an object.");
  const preventAbort = !!value.preventAbort;
  const preventCancel = !!value.preventCancel;
  const preventClose = !!value.preventClose;
  const signal = value.signal;
  if (signal !== undefined && !abort.isSignal(signal)) {
    throw typeError(prefix, "signal", "is not of type 'AbortSignal'.");
  }
  return { preventAbort, preventCancel, preventClose, signal };
}

/**
 * One pipe. It is the read request of its reader (chunk, close, error) and the write request of its
 * writer (resolve, reject), over and over.
 */
class Pipe {
  next = null;
  settlers = PromiseWithResolvers();
  shuttingDown = false;
  pumping = false;
  onPump = () => {
    if (!this.pumping) this.pump();
  };
  /** Between read() and its answer. */
  reading = false;
  /** Writes given to the writer that have not settled. */
  writing = 0;
  onDrained = null;
  onAbort = null;

  constructor(source, destination, options) {
    this.source = source;
    this.destination = destination;
    this.options = options;
    this.reader = core.acquireReader(source);
    this.writer = core.acquireWriter(destination);
    source.disturbed = true;
  }

  start() {
    const { signal } = this.options;
    if (signal !== undefined) {
      this.onAbort = () => this.aborted(abort.reasonOf(signal));
      if (abort.isAborted(signal)) {
        this.onAbort();
        return this.settlers.promise;
      }
      abort.addAlgorithm(signal, this.onAbort);
    }
    // The order of these is the standard's: errors forward, backward, then closing likewise.
    if (this.checkStates()) return this.settlers.promise;
    const check = () => this.checkStates();
    PromisePrototypeThen(this.reader.closed.get(), check, check);
    PromisePrototypeThen(this.writer.closed.get(), check, check);
    this.pump();
    return this.settlers.promise;
  }

  /** Starts the shutdown that the two ends' states call for; whether there is one. */
  checkStates() {
    if (this.shuttingDown) return true;
    const { source, destination, options } = this;
    if (source.state === ERRORED) {
      const error = source.storedError;
      this.shutdown(options.preventAbort
        ? null : () => core.writableAbort(destination, error), true, error);
    } else if (destination.state === WRITABLE_ERRORED || destination.state === WRITABLE_ERRORING) {
      if (destination.state === WRITABLE_ERRORING) return false;  // Told again by `closed`.
      const error = destination.storedError;
      this.shutdown(options.preventCancel
        ? null : () => core.readableCancel(source, error), true, error);
    } else if (source.state === CLOSED) {
      this.shutdown(options.preventClose ? null : () => this.closeDestination(), false, undefined);
    } else if (destination.closeQueuedOrInFlight() || destination.state === WRITABLE_CLOSED) {
      const error = new TypeError("The destination of the pipe was closed");
      this.shutdown(options.preventCancel
        ? null : () => core.readableCancel(source, error), true, error);
    } else {
      return false;
    }
    return true;
  }

  // https://streams.spec.whatwg.org/#writable-stream-default-writer-close-with-error-propagation
  closeDestination() {
    const { destination } = this;
    if (destination.closeQueuedOrInFlight() || destination.state === WRITABLE_CLOSED) {
      return PromiseResolve(undefined);
    }
    if (destination.state === WRITABLE_ERRORED) return PromiseReject(destination.storedError);
    return core.writableClose(destination);
  }

  /** Reads while the destination wants more. Loops, never recurses: a full queue can be long. */
  pump() {
    this.pumping = true;
    while (!this.shuttingDown && !this.reading) {
      const { desiredSize } = this.writer;
      if (desiredSize === null) break;  // Erroring: checkStates hears of it by `closed`.
      if (desiredSize <= 0) {
        PromisePrototypeThen(this.writer.ready.get(), this.onPump, core.noop);
        break;
      }
      this.reading = true;
      this.reader.read(this);
    }
    this.pumping = false;
  }

  // ---- as a read request

  /**
   * A chunk that comes later than read() comes out of the source's enqueue(): then it is written a
   * microtask later, so that no sink runs while the source enqueues.
   */
  chunk(value) {
    this.writing++;
    if (this.pumping) {
      this.reading = false;
      this.writer.write(value, new PipeWrite(this));
      return;
    }
    PromisePrototypeThen(core.kResolved, () => {
      this.reading = false;
      this.writer.write(value, new PipeWrite(this));
      this.pump();
    });
  }

  close() {
    this.reading = false;
    this.checkStates();
  }

  error() {
    this.reading = false;
    this.checkStates();
  }

  writeSettled() {
    this.writing--;
    if (this.writing === 0 && this.onDrained !== null) {
      const { onDrained } = this;
      this.onDrained = null;
      onDrained();
    }
  }

  // ---- shutting down

  aborted(reason) {
    const { source, destination, options } = this;
    this.shutdown(() => {
      const actions = [];
      if (!options.preventAbort) {
        actions[0] = destination.state === WRITABLE
          ? core.writableAbort(destination, reason) : PromiseResolve(undefined);
      }
      if (!options.preventCancel) {
        actions[actions.length] = source.state === READABLE
          ? core.readableCancel(source, reason) : PromiseResolve(undefined);
      }
      return allOf(actions);
    }, true, reason);
  }

  /** https://streams.spec.whatwg.org/#rs-pipeTo-shutdown-with-action; action may be null. */
  shutdown(action, failed, error) {
    if (this.shuttingDown) return;
    this.shuttingDown = true;
    const act = () => {
      if (action === null) {
        this.finalize(failed, error);
        return;
      }
      PromisePrototypeThen(action(), () => this.finalize(failed, error),
        (actionError) => this.finalize(true, actionError));
    };
    const { destination } = this;
    if (destination.state !== WRITABLE || destination.closeQueuedOrInFlight()) {
      act();
    } else if (this.writing > 0) {
      this.onDrained = act;
    } else {
      PromisePrototypeThen(core.kResolved, act);
    }
  }

  finalize(failed, error) {
    this.writer.release();
    this.reader.release();
    if (this.onAbort !== null) abort.removeAlgorithm(this.options.signal, this.onAbort);
    if (failed) this.settlers.reject(error);
    else this.settlers.resolve(undefined);
  }
}

/** One write of a pipe: only counted. */
class PipeWrite {
  next = null;
  constructor(pipe) {
    this.pipe = pipe;
  }
  resolve() {
    this.pipe.writeSettled();
  }
  reject() {
    this.pipe.writeSettled();
  }
}

/** Settles once every promise has: rejected if one was. */
function allOf(promises) {
  const settlers = PromiseWithResolvers();
  let waiting = promises.length;
  if (waiting === 0) settlers.resolve(undefined);
  const onFulfilled = () => {
    if (--waiting === 0) settlers.resolve(undefined);
  };
  for (let i = 0; i < promises.length; i++) {
    PromisePrototypeThen(promises[i], onFulfilled, settlers.reject);
  }
  return settlers.promise;
}

core.isolate(Pipe, PipeWrite);
core.toPipeOptions = toPipeOptions;
core.pipe = (source, destination, options) => new Pipe(source, destination, options).start();
