// node:zlib over the platform's codecs (src/coding): gzip, deflate, raw deflate and brotli. The
// brotli encoder has one setting: its parameters are accepted and change nothing.
const { Buffer } = require("node:buffer");
const { Transform } = require("node:stream");
const process = require("node:process");
const base = require("unenv/node/zlib").default;

const kGzip = 0, kDeflate = 1, kRaw = 2, kBrotli = 3;
const kSyncFlush = 2, kFullFlush = 3;

function coded(Type, code, text, number) {
  const error = new Type(text);
  error.code = code;
  if (number !== undefined) error.errno = number;
  return error;
}

function bytesOf(value) {
  if (typeof value === "string") return Buffer.from(value);
  if (ArrayBuffer.isView(value)) return new Uint8Array(value.buffer, value.byteOffset,
    value.byteLength);
  if (value instanceof ArrayBuffer) return new Uint8Array(value);
  throw coded(TypeError, "ERR_INVALID_ARG_TYPE",
    'The "buffer" argument must be of type string or ' +
    "an instance of Buffer, TypedArray, DataView, or ArrayBuffer.");
}

const kRanges = { __proto__: null, level: [-1, 9, -1], windowBits: [8, 15, 15],
  memLevel: [1, 9, 8], strategy: [0, 4, 0] };

/** A setting that is a number, in its range; the default if it is not given. */
function setting(options, name) {
  const [least, most, otherwise] = kRanges[name];
  const value = options?.[name];
  if (value === undefined || Number.isNaN(value)) return otherwise;
  if (typeof value !== "number") {
    throw coded(TypeError, "ERR_INVALID_ARG_TYPE",
      `The "options.${name}" property must be of type number. Received ${typeof value}`);
  }
  // 0 as windowBits says: as the data has it.
  if (name === "windowBits" && value === 0) return otherwise;
  if (!Number.isInteger(value) || value < least || value > most) {
    throw coded(RangeError, "ERR_OUT_OF_RANGE", `The value of "options.${name}" is out of range. ` +
      `It must be >= ${least} and <= ${most}. Received ${value}`);
  }
  return value;
}

function newHandle(format, decodes, options) {
  const handle = native.codecNew(format, decodes, decodes && format === kGzip);
  if (format === kBrotli) return handle;
  const settings = ["level", "windowBits", "memLevel", "strategy"].map((name) =>
    setting(options, name));
  const dictionary = options?.dictionary === undefined ? undefined : bytesOf(options.dictionary);
  const isUsual = dictionary === undefined && (decodes ||
    settings.join() === Object.values(kRanges).map((range) => range[2]).join());
  if (!isUsual && !native.codecTune(handle, format, decodes, ...settings, dictionary)) {
    throw coded(Error, "ERR_ZLIB_INITIALIZATION_FAILED", "Initialization failed");
  }
  return handle;
}

/** One run of bytes through a codec, whose handle nobody else sees. */
class Codec {
  #handle;
  #decodes;
  #brotli;
  #produced = 0;
  #max;

  constructor(format, decodes, options) {
    this.#handle = newHandle(format, decodes, options);
    this.#decodes = decodes;
    this.#brotli = format === kBrotli;
    this.#max = options?.maxOutputLength ?? Infinity;
  }

  /** Calls `give` with each piece of output. */
  run(bytes, last, give) {
    let at = 0;
    for (;;) {
      if (native.codecEnded(this.#handle)) return;
      let piece;
      try {
        piece = native.codecRun(this.#handle, bytes, at, last);
      } catch (error) {
        if (error instanceof RangeError) throw error;
        throw this.#corrupt(/ended before/.test(error.message));
      }
      const taken = native.codecConsumed(this.#handle);
      at += taken;
      if (piece !== undefined) {
        this.#produced += piece.length;
        if (this.#produced > this.#max) {
          throw coded(RangeError, "ERR_BUFFER_TOO_LARGE",
            `Cannot create a Buffer larger than ${this.#max} bytes`);
        }
        give(Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength));
      } else if (taken === 0 && (at >= bytes.length || !last)) {
        return;
      }
    }
  }

  #corrupt(cut) {
    if (this.#brotli) return coded(Error, "ERR__ERROR_FORMAT_PADDING_1", "Decompression failed",
      -2);
    return cut ? coded(Error, "Z_BUF_ERROR", "unexpected end of file", -5) :
      coded(Error, "Z_DATA_ERROR", "incorrect header check", -3);
  }

  /** What was taken can be read from the output so far. */
  flush(kind, give) {
    if (this.#decodes) return;
    native.codecFlush(this.#handle, kind === kFullFlush);
    this.run(new Uint8Array(0), false, give);
  }

  close() {
    native.codecFree(this.#handle);
  }
}

/** Whether data may end before its end is there. */
function mayBeCut(decodes, options) {
  return decodes && options?.finishFlush === kSyncFlush;
}

function whole(format, decodes, value, options) {
  const codec = new Codec(format, decodes, options);
  const pieces = [];
  codec.run(bytesOf(value), !mayBeCut(decodes, options), (piece) => pieces.push(piece));
  codec.close();
  return Buffer.concat(pieces);
}

/** Written among the data: the place of a flush. */
const kFlushKind = Symbol("flush");

class ZlibBase extends Transform {
  #codec;
  #format;
  #decodes;
  #options;
  bytesWritten = 0;

  constructor(format, decodes, options) {
    super({ ...options, decodeStrings: true });
    this.#format = format;
    this.#decodes = decodes;
    this.#options = options;
    if (format !== undefined) this.#codec = new Codec(format, decodes, options);
  }

  _transform(chunk, encoding, callback) {
    try {
      if (chunk[kFlushKind] !== undefined) {
        this.#codec?.flush(chunk[kFlushKind], (piece) => this.push(piece));
        callback();
        return;
      }
      const bytes = bytesOf(chunk);
      // Unzip looks at the first byte.
      this.#codec ??= new Codec(bytes[0] === 0x1f ? kGzip : kDeflate, true, this.#options);
      this.bytesWritten += bytes.length;
      this.#codec.run(bytes, false, (piece) => this.push(piece));
      const kind = this.#options?.flush;
      if (kind >= kSyncFlush && kind <= kFullFlush) {
        this.#codec.flush(kind, (piece) => this.push(piece));
      }
      callback();
    } catch (error) {
      callback(error);
    }
  }

  _flush(callback) {
    try {
      const last = !mayBeCut(this.#decodes, this.#options);
      this.#codec?.run(new Uint8Array(0), last, (piece) => this.push(piece));
      callback();
    } catch (error) {
      callback(error);
    }
  }

  _destroy(error, callback) {
    this.#codec?.close();
    callback(error);
  }

  flush(kind, callback) {
    if (typeof kind === "function") {
      callback = kind;
      kind = undefined;
    }
    if (this.writableEnded) {
      if (callback) this.writableFinished ? process.nextTick(callback) : this.once("end", callback);
      return;
    }
    const place = Buffer.alloc(0);
    place[kFlushKind] = kind ?? kFullFlush;
    this.write(place, undefined, callback);
  }

  close(callback) {
    if (callback) process.nextTick(callback);
    this.destroy();
  }

  reset() {
    if (this.#format !== undefined) {
      this.#codec = new Codec(this.#format, this.#decodes, this.#options);
    }
  }

  params(level, strategy, callback) {
    if (callback) process.nextTick(callback);
  }
}

const made = { constants: base.constants, codes: base.codes };
for (const name of Object.keys(base.constants)) made[name] ??= base.constants[name];

const kinds = [["Gzip", "gzip", kGzip, false], ["Gunzip", "gunzip", kGzip, true],
  ["Deflate", "deflate", kDeflate, false], ["Inflate", "inflate", kDeflate, true],
  ["DeflateRaw", "deflateRaw", kRaw, false], ["InflateRaw", "inflateRaw", kRaw, true],
  ["BrotliCompress", "brotliCompress", kBrotli, false],
  ["BrotliDecompress", "brotliDecompress", kBrotli, true], ["Unzip", "unzip", undefined, true]];

for (const [name, method, format, decodes] of kinds) {
  const Class = { [name]: class extends ZlibBase {
    constructor(options) {
      super(format, decodes, options);
    }
  } }[name];
  const sync = (value, options) => {
    const bytes = bytesOf(value);
    return whole(format ?? (bytes[0] === 0x1f ? kGzip : kDeflate), decodes, bytes, options);
  };
  // Callable without new, and a class to extend.
  made[name] = function (options) {
    return Reflect.construct(Class, [options], new.target ?? Class);
  };
  made[name].prototype = Class.prototype;
  Class.prototype.constructor = made[name];
  Object.defineProperty(made[name], "name", { value: name });
  made[`create${name}`] = (options) => new Class(options);
  made[`${method}Sync`] = sync;
  made[method] = (value, options, callback) => {
    const done = typeof options === "function" ? options : callback;
    if (typeof done !== "function") {
      throw coded(TypeError, "ERR_INVALID_ARG_TYPE",
        'The "callback" argument must be of type function.');
    }
    let result;
    try {
      result = sync(value, typeof options === "function" ? undefined : options);
    } catch (error) {
      process.nextTick(done, error);
      return;
    }
    process.nextTick(done, null, result);
  };
}

const kCrcTable = Array.from({ length: 256 }, (_, n) => {
  for (let i = 0; i < 8; i++) n = n & 1 ? n >>> 1 ^ 0xedb88320 : n >>> 1;
  return n >>> 0;
});
made.crc32 = (value, start = 0) => {
  let crc = ~start;
  for (const byte of bytesOf(value)) crc = kCrcTable[(crc ^ byte) & 255] ^ crc >>> 8;
  return ~crc >>> 0;
};
for (const name of ["createZstdCompress", "createZstdDecompress", "zstdCompress",
  "zstdCompressSync", "zstdDecompress", "zstdDecompressSync"]) {
  made[name] = () => {
    throw coded(Error, "ERR_METHOD_NOT_IMPLEMENTED",
      `node:zlib.${name}() is not available on this node.`);
  };
}

module.exports = made;
