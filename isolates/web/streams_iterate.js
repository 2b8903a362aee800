// Readable streams and iteration, both ways: `for await (... of stream)` and ReadableStream.from().
// https://streams.spec.whatwg.org/#rs-asynciterator

const {
  AsyncIteratorPrototype, ObjectDefineProperty, ObjectSetPrototypeOf, PromisePrototypeThen,
  PromiseReject, PromiseResolve, PromiseWithResolvers, ReflectApply, SymbolAsyncIterator,
  SymbolIterator, TypeError,
} = internals.primordials;
const { defineToStringTag, isObject, ofPrototypes, makeEnumerable, typeError } = internals.webidl;
const core = internals.streamsCore;

// ---- the async iterator -------------------------------------------------------------------------

/** The read request of an iterator's next(). */
class IteratorRequest {
  next = null;
  settlers = PromiseWithResolvers();
  /** What next() gave: a microtask later than the read, as Web IDL has it. */
  answer = PromisePrototypeThen(this.settlers.promise, (result) => result);
  constructor(iterator) {
    this.iterator = iterator;
  }
  chunk(value) {
    const { iterator, answer } = this;
    if (iterator.ongoing === answer) iterator.ongoing = null;
    this.settlers.resolve({ value, done: false });
  }
  close() {
    this.iterator.finish();
    this.settlers.resolve({ value: undefined, done: true });
  }
  error(reason) {
    this.iterator.finish();
    this.settlers.reject(reason);
  }
}

/** https://webidl.spec.whatwg.org/#js-asynchronous-iterable, with the stream's own steps. */
class IteratorState {
  ongoing = null;
  finished = false;

  constructor(reader, preventCancel) {
    this.reader = reader;
    this.preventCancel = preventCancel;
  }

  finish() {
    if (this.finished) return;
    this.finished = true;
    this.reader.release();
  }

  nextStep(first) {
    if (this.finished) return PromiseResolve({ value: undefined, done: true });
    const request = new IteratorRequest(this);
    const { answer } = request;
    if (first) this.ongoing = answer;
    this.reader.read(request);
    return answer;
  }

  returnStep(first, value) {
    if (this.finished) return PromiseResolve({ value, done: true });
    this.finished = true;
    const { reader } = this;
    const canceled = this.preventCancel ? core.kResolved : reader.cancel(value);
    reader.release();
    const promise = PromisePrototypeThen(canceled, () => ({ value, done: true }));
    if (first) this.ongoing = promise;
    return promise;
  }

  /** Steps run one after another, whether those before went well or not. */
  chain(step) {
    if (this.ongoing === null) return step(true);
    const next = () => step(false);
    return (this.ongoing = PromisePrototypeThen(this.ongoing, next, next));
  }
}

class AsyncIteratorShell {
  #state;
  constructor(state) {
    this.#state = state;
  }
  next() {
    if (!isObject(this) || !(#state in this)) return PromiseReject(core.illegalReceiver());
    const state = this.#state;
    return state.chain((first) => state.nextStep(first));
  }
  return(value = undefined) {
    if (!isObject(this) || !(#state in this)) return PromiseReject(core.illegalReceiver());
    const state = this.#state;
    return state.chain((first) => state.returnStep(first, value));
  }
}
const iteratorPrototype = AsyncIteratorShell.prototype;
delete iteratorPrototype.constructor;
ObjectSetPrototypeOf(iteratorPrototype, AsyncIteratorPrototype);
makeEnumerable(iteratorPrototype, ofPrototypes);
ObjectDefineProperty(iteratorPrototype.return, "length", { __proto__: null, value: 1 });
defineToStringTag(iteratorPrototype, "ReadableStream AsyncIterator");

function makeAsyncIterator(readable, options) {
  const prefix = "Failed to execute 'values' on 'ReadableStream'";
  if (options !== undefined && options !== null && !isObject(options)) {
    throw typeError(prefix, "argument 1", "is not an object.");
  }
  const preventCancel = !!options?.preventCancel;
  return new AsyncIteratorShell(new IteratorState(core.acquireReader(readable), preventCancel));
}

// ---- ReadableStream.from ------------------------------------------------------------------------

/**
 * The source behind a stream made of an iterable.
 * https://streams.spec.whatwg.org/#readable-stream-from-iterable
 */
class IterableSource {
  constructor(iterator, isAsync) {
    this.iterator = iterator;
    this.nextMethod = iterator.next;
    this.isAsync = isAsync;
  }

  pull(controller) {
    let result;
    try {
      result = ReflectApply(this.nextMethod, this.iterator, []);
      if (!this.isAsync) result = awaitValue(result);
    } catch (error) {
      return PromiseReject(error);
    }
    return PromisePrototypeThen(core.toPromise(result), (step) => {
      if (!isObject(step)) throw new TypeError("The iterator returned a result that is no object");
      if (step.done) controller.close();
      else controller.enqueue(step.value);
    });
  }

  cancel(reason) {
    const method = this.iterator.return;
    if (method === undefined || method === null) return undefined;
    if (typeof method !== "function") throw new TypeError("return of the iterator is no function");
    const result = ReflectApply(method, this.iterator, [reason]);
    return PromisePrototypeThen(core.toPromise(result), (value) => {
      if (!isObject(value)) throw new TypeError("return of the iterator gave no object");
    });
  }
}

/** Awaits a result's value: https://tc39.es/ecma262/#sec-createasyncfromsynciterator */
function awaitValue(step) {
  if (!isObject(step)) throw new TypeError("The iterator returned a result that is no object");
  const done = !!step.done;
  return PromisePrototypeThen(core.toPromise(step.value), (value) => ({ value, done }));
}

function notIterable() {
  return typeError("Failed to execute 'from' on 'ReadableStream'", "argument 1",
    "is not iterable.");
}

function readableFrom(iterable) {
  if (iterable === undefined || iterable === null) {
    throw notIterable();
  }
  let method = iterable[SymbolAsyncIterator];
  const isAsync = method !== undefined && method !== null;
  if (!isAsync) method = iterable[SymbolIterator];
  if (typeof method !== "function") {
    throw notIterable();
  }
  const iterator = ReflectApply(method, iterable, []);
  if (!isObject(iterator)) throw new TypeError("The iterator is not an object");
  return core.makeReadable(new IterableSource(iterator, isAsync), 0);
}

core.isolate(IteratorRequest, IteratorState, IterableSource);
core.makeAsyncIterator = makeAsyncIterator;
core.readableFrom = readableFrom;
