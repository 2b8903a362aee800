// Queuing strategies. https://streams.spec.whatwg.org/#qs-api

const {

} = internals.primordials;
const { configureInterface, converters, isObject, requiredArguments, typeError } = internals.webidl;

function readHighWaterMark(init, name) {
  const prefix = `Failed to construct '${name}'`;
  if (init !== undefined && init !== null && !isObject(init)) {
    throw typeError(prefix, "argument 1", "is not an object.");
  }
  const mark = init === undefined || init === null ? undefined : init.highWaterMark;
  if (mark === undefined) throw typeError(prefix, "argument 1", "has no highWaterMark.");
  return converters.unrestrictedDouble(mark, prefix, "highWaterMark");
}

// One function each for the whole isolate:
// https://streams.spec.whatwg.org/#count-queuing-strategy-size-function
const countSize = { size() { return 1; } }.size;
const byteLengthSize = { size(chunk) { return chunk.byteLength; } }.size;

class CountQueuingStrategy {
  #highWaterMark;
  constructor(init) {
    requiredArguments(arguments.length, 1, "Failed to construct 'CountQueuingStrategy'");
    this.#highWaterMark = readHighWaterMark(init, "CountQueuingStrategy");
  }
  get highWaterMark() {
    return this.#highWaterMark;
  }
  get size() {
    this.#highWaterMark;  // The brand check.
    return countSize;
  }
}

class ByteLengthQueuingStrategy {
  #highWaterMark;
  constructor(init) {
    requiredArguments(arguments.length, 1, "Failed to construct 'ByteLengthQueuingStrategy'");
    this.#highWaterMark = readHighWaterMark(init, "ByteLengthQueuingStrategy");
  }
  get highWaterMark() {
    return this.#highWaterMark;
  }
  get size() {
    this.#highWaterMark;  // The brand check.
    return byteLengthSize;
  }
}

configureInterface(CountQueuingStrategy);
configureInterface(ByteLengthQueuingStrategy);
internals.defineGlobal("CountQueuingStrategy", CountQueuingStrategy);
internals.defineGlobal("ByteLengthQueuingStrategy", ByteLengthQueuingStrategy);
