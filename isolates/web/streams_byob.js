// What a tenant sees of readable byte streams: BYOB readers, the controller's shell, BYOB requests.
// https://streams.spec.whatwg.org/#byob-reader-class
// https://streams.spec.whatwg.org/#rbs-controller-class

const {
  ArrayBufferPrototypeGetByteLength, ArrayBufferPrototypeGetDetached, PromiseReject, RangeError,
  TypeError, TypedArrayPrototypeGetLength,
} = internals.primordials;
const {
  configureInterface, converters, illegalConstructor, isObject, isTypedArray, requiredArguments,
  typeError, viewBuffer,
} = internals.webidl;
const { defineGlobal, kConstruct } = internals;
const core = internals.streamsCore;
const { ERRORED, PromiseReadRequest, acquireReader, illegalReceiver } = core;

/** https://streams.spec.whatwg.org/#readable-stream-byob-reader-read */
function readInto(reader, view, min, request) {
  const stream = reader.stream;
  stream.disturbed = true;
  if (stream.state === ERRORED) request.error(stream.storedError);
  else stream.controller.pullInto(view, min, request);
}

/** https://streams.spec.whatwg.org/#set-up-readable-stream-byob-reader */
function acquireByobReader(stream) {
  if (stream.reader === null && !stream.controller.bytes) {
    throw new TypeError("BYOB readers need a byte stream");
  }
  return acquireReader(stream, true);
}

function checkView(view, options, prefix) {
  converters.ArrayBufferView(view, prefix, "argument 1", true);
  if (options !== undefined && options !== null && !isObject(options)) {
    throw typeError(prefix, "argument 2", "is not an object.");
  }
  const given = options?.min;
  const min = given === undefined ? 1 : converters.enforcedUnsignedLongLong(given, prefix, "min");
  const buffer = viewBuffer(view);
  if (ArrayBufferPrototypeGetDetached(buffer)) {
    throw typeError(prefix, "argument 1", "is detached.");
  }
  if (core.byteLengthOf(view) === 0 || ArrayBufferPrototypeGetByteLength(buffer) === 0) {
    throw typeError(prefix, "argument 1", "has no bytes.");
  }
  if (min === 0) throw typeError(prefix, "min", "is 0.");
  const length = isTypedArray(view) ? TypedArrayPrototypeGetLength(view) : core.byteLengthOf(view);
  if (min > length) throw new RangeError(`${prefix}: min is larger than the view.`);
  return min;
}

class ReadableStreamBYOBReader {
  #reader;

  constructor(stream) {
    const prefix = "Failed to construct 'ReadableStreamBYOBReader'";
    requiredArguments(arguments.length, 1, prefix);
    this.#reader = acquireByobReader(core.toReadable(stream, prefix, "argument 1"));
  }

  get closed() {
    if (!isObject(this) || !(#reader in this)) return PromiseReject(illegalReceiver());
    return this.#reader.closed.get();
  }

  read(view, options = undefined) {
    try {
      const reader = this.#reader;
      const prefix = "Failed to execute 'read' on 'ReadableStreamBYOBReader'";
      requiredArguments(arguments.length, 1, prefix);
      const min = checkView(view, options, prefix);
      if (reader.stream === null) throw new TypeError("The reader was released");
      const request = new PromiseReadRequest();
      readInto(reader, view, min, request);
      return request.settlers.promise;
    } catch (error) {
      return PromiseReject(error);
    }
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
}
configureInterface(ReadableStreamBYOBReader);

/** A view argument whose buffer may be resizable, as the standard allows here. */
function toView(value, prefix) {
  return converters.ArrayBufferView(value, prefix, "argument 1", true);
}

class ReadableByteStreamController {
  #controller;

  constructor(token = undefined, controller = undefined) {
    if (token !== kConstruct) throw illegalConstructor();
    this.#controller = controller;
  }

  get byobRequest() {
    return this.#controller.getByobRequest();
  }

  get desiredSize() {
    return this.#controller.desiredSize;
  }

  close() {
    if (!this.#controller.canCloseOrEnqueue()) throw new TypeError("The stream is already closed");
    this.#controller.close();
  }

  enqueue(chunk) {
    const controller = this.#controller;
    const prefix = "Failed to execute 'enqueue' on 'ReadableByteStreamController'";
    requiredArguments(arguments.length, 1, prefix);
    const view = toView(chunk, prefix);
    if (core.byteLengthOf(view) === 0) throw typeError(prefix, "argument 1", "has no bytes.");
    if (!controller.canCloseOrEnqueue()) throw new TypeError("The stream is already closed");
    controller.enqueue(view);
  }

  error(error = undefined) {
    this.#controller.error(error);
  }
}
configureInterface(ReadableByteStreamController);

let invalidateRequest;

class ReadableStreamBYOBRequest {
  #controller;
  #view;

  constructor(token = undefined, controller = undefined, view = undefined) {
    if (token !== kConstruct) throw illegalConstructor();
    this.#controller = controller;
    this.#view = view;
  }

  get view() {
    return this.#view;
  }

  respond(bytesWritten) {
    const controller = this.#controller;
    const prefix = "Failed to execute 'respond' on 'ReadableStreamBYOBRequest'";
    requiredArguments(arguments.length, 1, prefix);
    bytesWritten = converters.enforcedUnsignedLongLong(bytesWritten, prefix, "argument 1");
    // Read again: converting the argument can run script that responds.
    if (this.#controller === null) throw new TypeError("The BYOB request was responded to already");
    if (ArrayBufferPrototypeGetDetached(viewBuffer(this.#view))) {
      throw new TypeError("The buffer of the BYOB request was detached");
    }
    controller.respond(bytesWritten);
  }

  respondWithNewView(view) {
    const prefix = "Failed to execute 'respondWithNewView' on 'ReadableStreamBYOBRequest'";
    requiredArguments(arguments.length, 1, prefix);
    toView(view, prefix);
    if (this.#controller === null) throw new TypeError("The BYOB request was responded to already");
    if (ArrayBufferPrototypeGetDetached(viewBuffer(view))) {
      throw new TypeError("The buffer of the view was detached");
    }
    this.#controller.respondWithNewView(view);
  }

  static {
    invalidateRequest = (request) => {
      request.#controller = null;
      request.#view = null;
    };
  }
}
configureInterface(ReadableStreamBYOBRequest);

core.acquireByobReader = acquireByobReader;
core.readInto = readInto;
core.makeByobReader = (stream) => new ReadableStreamBYOBReader(stream);
core.makeByteControllerShell =
  (controller) => new ReadableByteStreamController(kConstruct, controller);
core.makeByobRequest =
  (controller, view) => new ReadableStreamBYOBRequest(kConstruct, controller, view);
core.invalidateByobRequest = invalidateRequest;

defineGlobal("ReadableStreamBYOBReader", ReadableStreamBYOBReader);
defineGlobal("ReadableByteStreamController", ReadableByteStreamController);
defineGlobal("ReadableStreamBYOBRequest", ReadableStreamBYOBRequest);
