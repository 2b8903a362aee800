// Content codings of bodies: gzip, deflate, br and zstd of fetched responses are decoded when a
// script reads them, and gzip and br are made of what a script sends under such a Content-Encoding.
// https://fetch.spec.whatwg.org/#handle-content-codings
//
// A body that is handed on as it came is neither. What is decoded is decoded piece by piece as its
// reader asks for it, in the script's own time.

const {
  ArrayPrototypePush, ArrayPrototypeShift, PromisePrototypeThen, TypeError,
  TypedArrayPrototypeGetByteLength, TypedArrayPrototypeSet, Uint8Array,
} = internals.primordials;
const streams = internals.bodyStreams;

const kBytesMax = 128 * 1024 * 1024;
const noBytes = new Uint8Array(0);

/** As coding::Format in src/coding/codec.h. */
const kGzip = 0, kBrotli = 3;

/** Whether this side can make the coding. */
function canEncode(coding) {
  return coding === kGzip || coding === kBrotli;
}

/** One codec, to be fed piece by piece: step() until it gives undefined. */
class Feed {
  #handle;
  #bytes = noBytes;
  #offset = 0;
  /** The last input came. */
  #last = false;
  /** Any input came: content of no bytes at all is taken for empty. */
  #any = false;
  ended = false;

  constructor(coding, isDecoder) {
    this.#handle = native.codecNew(coding, isDecoder, true);
  }

  /** `bytes` must stay as they are until step() gave undefined. */
  give(bytes) {
    this.#bytes = bytes;
    this.#offset = 0;
    if (TypedArrayPrototypeGetByteLength(bytes) > 0) this.#any = true;
  }

  finish(isDecoder) {
    this.#last = true;
    if (isDecoder && !this.#any) this.#end();
  }

  /** A piece of output, at most 64 KiB; undefined once all that was given is through. */
  step() {
    while (!this.ended) {
      const piece = native.codecRun(this.#handle, this.#bytes, this.#offset, this.#last);
      const consumed = native.codecConsumed(this.#handle);
      this.#offset += consumed;
      if (native.codecEnded(this.#handle)) this.#end();
      if (piece !== undefined) return piece;
      if (consumed === 0) return undefined;
    }
    return undefined;
  }

  #end() {
    this.ended = true;
    native.codecFree(this.#handle);
  }
}

function contentError(error) {
  return new TypeError(`The body's Content-Encoding could not be decoded: ${error.message}`);
}

/** All of it at once, both ways. */
function runAll(bytes, coding, isDecoder) {
  const feed = new Feed(coding, isDecoder);
  feed.give(bytes);
  feed.finish(isDecoder);
  const pieces = [];
  let total = 0;
  for (let piece = feed.step(); piece !== undefined; piece = feed.step()) {
    total += TypedArrayPrototypeGetByteLength(piece);
    if (total > kBytesMax) {
      throw new TypeError("The body is too large to be read whole: decoded, it exceeds the limit " +
        `of ${kBytesMax} bytes`);
    }
    ArrayPrototypePush(pieces, piece);
  }
  if (pieces.length === 1) return pieces[0];
  const all = new Uint8Array(total);
  let offset = 0;
  for (let i = 0; i < pieces.length; i++) {
    TypedArrayPrototypeSet(all, pieces[i], offset);
    offset += TypedArrayPrototypeGetByteLength(pieces[i]);
  }
  return all;
}

function decodeAll(bytes, coding) {
  try {
    return runAll(bytes, coding, true);
  } catch (error) {
    throw contentError(error);
  }
}

/**
 * The source of a stream of decoded bytes, and the sink of the encoded ones. `encoded` has
 * start(sink), pull() and cancel(reason), as InboundBody.
 */
class Decoding {
  #encoded;
  #feed;
  #waiting = [];
  #sink = null;
  #inputEnded = false;

  constructor(encoded, coding) {
    this.#encoded = encoded;
    this.#feed = new Feed(coding, true);
  }

  // ---- for the reader

  pull(sink) {
    if (this.#sink === null) {
      this.#sink = sink;
      this.#encoded.start(this);
    }
    this.#produce();
  }

  cancel(reason) {
    return this.#encoded.cancel(reason);
  }

  // ---- for the encoded body

  chunk(bytes) {
    ArrayPrototypePush(this.#waiting, bytes);
    if (this.#waiting.length === 1) this.#begin();
  }

  end() {
    this.#inputEnded = true;
    if (this.#waiting.length === 0) this.#begin();
  }

  error(reason) {
    this.#sink.error(reason);
  }

  // ---- between them

  /** The next input; one piece goes out at once, the others as they are pulled. */
  #begin() {
    if (this.#waiting.length > 0) this.#feed.give(this.#waiting[0]);
    else this.#feed.finish(true);
    this.#produce();
  }

  #produce() {
    try {
      for (;;) {
        if (this.#waiting.length === 0 && !this.#inputEnded) return this.#encoded.pull();
        const piece = this.#feed.step();
        if (piece !== undefined) return this.#sink.chunk(piece);
        if (this.#waiting.length === 0) return this.#sink.end();
        // What follows the end of the content is dropped.
        ArrayPrototypeShift(this.#waiting);
        if (this.#waiting.length > 0) {
          this.#feed.give(this.#waiting[0]);
        } else if (this.#inputEnded) {
          this.#feed.give(noBytes);
          this.#feed.finish(true);
        }
      }
    } catch (error) {
      this.#sink.error(contentError(error));
      this.#encoded.cancel(error);
    }
  }
}

function decodedStream(encoded, coding) {
  return streams.createBytes(new Decoding(encoded, coding));
}

/** A stream of encoded bytes, seen as an InboundBody. */
class EncodedStream {
  #reader;
  #sink = null;
  #reading = false;

  constructor(stream) {
    this.#reader = streams.acquireReader(stream);
  }

  start(sink) {
    this.#sink = sink;
  }

  pull() {
    if (this.#reading) return;
    this.#reading = true;
    PromisePrototypeThen(streams.read(this.#reader), ({ done, value }) => {
      this.#reading = false;
      if (done) this.#sink.end();
      else this.#sink.chunk(value);
    }, (error) => this.#sink.error(error));
  }

  cancel(reason) {
    return streams.cancel(this.#reader, reason);
  }
}

/** What encodes the chunks of a stream on their way out. */
class OutgoingEncoder {
  #feed;

  constructor(coding) {
    this.#feed = new Feed(coding, false);
  }

  /** Gives the pieces that `bytes` make to `write`. */
  write(bytes, write) {
    this.#feed.give(bytes);
    this.#drain(write);
  }

  finish(write) {
    this.#feed.give(noBytes);
    this.#feed.finish(false);
    this.#drain(write);
  }

  #drain(write) {
    for (let piece = this.#feed.step(); piece !== undefined; piece = this.#feed.step()) {
      write(piece);
    }
  }
}

/** Of a client that named no coding it accepts. */
const kUnsaid = 2;

/**
 * How `body` goes out under a Content-Encoding of `named` (undefined for none, or one not known):
 * {raw: it goes as it came, encode: the coding to make of it, drop: the header must not be sent}.
 * `said` is native.clientAccepts() of the client, 1 where there is none.
 */
function planFor(body, named, isManual, said) {
  const plan = { __proto__: null, raw: false, encode: undefined, drop: false };
  if (named === undefined) return plan;
  if (body.coding === named) {
    // What nobody but fetch() itself asked to be encoded suits only a client that said so.
    plan.raw = isManual || said === 1 || (said === kUnsaid && !body.codingIsOurs);
    plan.drop = !plan.raw;
    return plan;
  }
  if (isManual || !canEncode(named)) return plan;
  if (said === 0) plan.drop = true;
  else plan.encode = named;
  return plan;
}

internals.bodyCoding = {
  EncodedStream, OutgoingEncoder, decodeAll, decodedStream, planFor,
  encodeAll: (bytes, coding) => runAll(bytes, coding, false),
};
