// CompressionStream and DecompressionStream. https://compression.spec.whatwg.org/
//
// The codecs are native and work in steps of bounded output. A transform hands on up to
// kQueuedPiecesMax pieces ahead of its reader and then waits for it, so that a small chunk that
// stands for gigabytes costs no more memory than any other.

const {
  PromisePrototypeThen, TypeError, TypedArrayPrototypeGetBuffer, TypedArrayPrototypeGetByteLength,
  TypedArrayPrototypeGetByteOffset, Uint8Array,
} = internals.primordials;
const { configureInterface, converters, createEnumConverter, requiredArguments } = internals.webidl;
const { defineGlobal, streams } = internals;

/** As coding::Format in src/coding/codec.h. */
const formats = { __proto__: null, "gzip": 0, "deflate": 1, "deflate-raw": 2, "brotli": 3 };
const toFormat = createEnumConverter("CompressionFormat",
  ["brotli", "deflate", "deflate-raw", "gzip"]);

/** Pieces have 64 KiB at the most. */
const kQueuedPiecesMax = 16;

/** A transformer, as internals.streams.createTransform() takes it. */
class CodecTransformer {
  #handle;
  #isDecoder;
  #name;

  constructor(format, isDecoder, name) {
    this.#handle = native.codecNew(formats[format], isDecoder, false);
    this.#isDecoder = isDecoder;
    this.#name = name;
  }

  transform(chunk, transform) {
    const source = converters.BufferSource(chunk, this.#name, "the chunk");
    return this.#run(native.viewBytes(source), 0, false, transform);
  }

  flush(transform) {
    return this.#run(noBytes, 0, true, transform);
  }

  cancel() {
    native.codecFree(this.#handle);
  }

  /** undefined once all is through, or a promise of it. */
  #run(bytes, offset, finish, transform) {
    const handle = this.#handle;
    const length = TypedArrayPrototypeGetByteLength(bytes);
    for (;;) {
      if (native.codecEnded(handle)) return this.#end(offset < length, finish);
      const piece = native.codecRun(handle, bytes, offset, finish);
      const consumed = native.codecConsumed(handle);
      offset += consumed;
      if (piece === undefined) {
        if (consumed === 0 && !native.codecEnded(handle)) return undefined;
        continue;
      }
      transform.enqueue(piece);
      if (transform.queuedCount >= kQueuedPiecesMax) {
        // The script may change its bytes while it waits.
        const rest = copyFrom(bytes, offset);
        return PromisePrototypeThen(transform.drained(), () => {
          if (!transform.canEnqueue) return undefined;
          return this.#run(rest, 0, finish, transform);
        });
      }
    }
  }

  #end(isMore, finish) {
    if (this.#isDecoder && isMore) {
      throw new TypeError(
        `${this.#name}: there is more input after the end of the compressed data`);
    }
    if (finish) native.codecFree(this.#handle);
    return undefined;
  }
}
const noBytes = new Uint8Array(0);

function copyFrom(bytes, offset) {
  return native.copyBytes(new Uint8Array(TypedArrayPrototypeGetBuffer(bytes),
    TypedArrayPrototypeGetByteOffset(bytes) + offset,
    TypedArrayPrototypeGetByteLength(bytes) - offset));
}

class CompressionStream {
  #pair;

  /** constructor(CompressionFormat format) */
  constructor(format) {
    this.#pair = makePair(format, arguments.length, false, "CompressionStream");
  }

  get readable() {
    return this.#pair.readable;
  }

  get writable() {
    return this.#pair.writable;
  }
}
configureInterface(CompressionStream);

class DecompressionStream {
  #pair;

  /** constructor(CompressionFormat format) */
  constructor(format) {
    this.#pair = makePair(format, arguments.length, true, "DecompressionStream");
  }

  get readable() {
    return this.#pair.readable;
  }

  get writable() {
    return this.#pair.writable;
  }
}
configureInterface(DecompressionStream);

function makePair(value, given, isDecoder, name) {
  const prefix = `Failed to construct '${name}'`;
  requiredArguments(given, 1, prefix);
  const transformer = new CodecTransformer(toFormat(value, prefix, "argument 1"), isDecoder, name);
  return streams.createTransform({
    transform: (chunk, transform) => transformer.transform(chunk, transform),
    flush: (transform) => transformer.flush(transform),
    cancel: () => transformer.cancel(),
  });
}

defineGlobal("CompressionStream", CompressionStream);
defineGlobal("DecompressionStream", DecompressionStream);
