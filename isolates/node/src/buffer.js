// node:buffer: unenv's, with what is hot (text to bytes and back, searching) in C++.
const { Buffer } =
  require("../node_modules/unenv/dist/runtime/node/internal/buffer/buffer.mjs");

const kEncodings = {
  __proto__: null, utf8: 0, "utf-8": 0, ucs2: 1, "ucs-2": 1, utf16le: 1, "utf-16le": 1, latin1: 2,
  binary: 2, base64: 3, base64url: 4, hex: 5, ascii: 6,
};

function encodingOf(name) {
  if (name === undefined || name === null || name === "") return 0;
  const known = kEncodings[name] ?? kEncodings[`${name}`.toLowerCase()];
  if (known === undefined) throw coded(TypeError, "ERR_UNKNOWN_ENCODING",
    `Unknown encoding: ${name}`);
  return known;
}

function coded(Type, code, text) {
  const error = new Type(text);
  error.code = code;
  return error;
}

function asBuffer(bytes) {
  return Object.setPrototypeOf(bytes, Buffer.prototype);
}

function define(target, members) {
  for (const name of Object.keys(members)) {
    Object.defineProperty(target, name, { value: members[name], writable: true, configurable: true,
      enumerable: false });
  }
}

const { from, alloc, byteLength } = Buffer;
const { fill, indexOf, lastIndexOf, includes } = Buffer.prototype;

define(Buffer, {
  from(value, encodingOrOffset, length) {
    if (typeof value === "string") {
      return asBuffer(native.bufferOfString(value, encodingOf(encodingOrOffset)));
    }
    return from(value, encodingOrOffset, length);
  },
  alloc(size, value, encoding) {
    if (value === undefined || value === 0) return alloc(size);
    return alloc(size).fill(value, encoding);
  },
  byteLength(value, encoding) {
    if (typeof value !== "string") return byteLength(value, encoding);
    const kind = encodingOf(kEncodings[encoding] === undefined ? "utf8" : encoding);
    switch (kind) {
      case 0: return native.utf8Length(value);
      case 1: return value.length * 2;
      case 3: case 4: return native.bufferOfString(value, kind).length;
      case 5: return value.length >>> 1;
      default: return value.length;
    }
  },
  isEncoding: (name) => typeof name === "string" && kEncodings[name.toLowerCase()] !== undefined,
  copyBytesFrom(view, offset = 0, length = undefined) {
    if (!ArrayBuffer.isView(view) || view instanceof DataView) {
      throw coded(TypeError, "ERR_INVALID_ARG_TYPE",
        'The "view" argument must be an instance of TypedArray.');
    }
    const part = view.subarray(offset, length === undefined ? undefined : offset + length);
    return Buffer.from(new Uint8Array(part.buffer, part.byteOffset, part.byteLength));
  },
});

function write(string, offset, length, encoding) {
  if (typeof string !== "string") {
    throw coded(TypeError, "ERR_INVALID_ARG_TYPE", 'The "string" argument must be of type string.');
  }
  if (typeof offset === "string") {
    encoding = offset;
    offset = length = undefined;
  } else if (typeof length === "string") {
    encoding = length;
    length = undefined;
  }
  offset = offset === undefined ? 0 : offset >>> 0;
  if (offset > this.length) {
    throw coded(RangeError, "ERR_OUT_OF_RANGE", 'The value of "offset" is out of range.');
  }
  return native.bufferWrite(this, string, offset, length, encodingOf(encoding));
}

function toText(encoding, start, end) {
  const size = this.length;
  const from = start === undefined || !(start > 0) ? 0 : Math.min(Math.trunc(start), size);
  const to = end === undefined || end > size ? size : !(end > 0) ? 0 : Math.trunc(end);
  if (from >= to) return "";
  return native.bufferToString(this, encodingOf(encoding), from, to);
}

/** The bytes to look for, or undefined where unenv's own code knows better. */
function needle(value, encoding) {
  if (typeof value === "string") return native.bufferOfString(value, encodingOf(encoding));
  return value instanceof Uint8Array ? value : undefined;
}

function search(self, value, offset, encoding, last, otherwise) {
  if (typeof offset === "string") {
    encoding = offset;
    offset = undefined;
  }
  const bytes = needle(value, encoding);
  if (bytes === undefined || bytes.length === 0) {
    return Reflect.apply(otherwise, self, [value, offset, encoding]);
  }
  let at = offset === undefined ? (last ? self.length : 0) : Math.trunc(+offset);
  if (Number.isNaN(at)) at = last ? self.length : 0;
  if (at < 0) at += self.length;
  if (at < 0) {
    if (last) return -1;
    at = 0;
  }
  return native.bufferIndexOf(self, bytes, at, last);
}

define(Buffer.prototype, {
  write,
  toString: toText,
  toLocaleString: toText,
  indexOf(value, offset, encoding) {
    return search(this, value, offset, encoding, false, indexOf);
  },
  lastIndexOf(value, offset, encoding) {
    return search(this, value, offset, encoding, true, lastIndexOf);
  },
  includes(value, offset, encoding) {
    return this.indexOf(value, offset, encoding) !== -1;
  },
  fill(value, offset, end, encoding) {
    if (typeof value === "string") {
      if (typeof offset === "string") {
        encoding = offset;
        offset = 0;
        end = this.length;
      } else if (typeof end === "string") {
        encoding = end;
        end = this.length;
      }
      const bytes = Buffer.from(value, encoding);
      if (bytes.length === 0) {
        if (value !== "") {
          throw coded(TypeError, "ERR_INVALID_ARG_VALUE",
            `The argument 'value' is invalid. Received '${value}'`);
        }
        return fill.call(this, 0, offset, end);
      }
      return fill.call(this, bytes, offset, end);
    }
    return fill.call(this, value, offset, end, encoding);
  },
});
for (const [name, encoding] of [["ascii", "ascii"], ["base64", "base64"],
  ["base64url", "base64url"], ["hex", "hex"], ["latin1", "latin1"], ["ucs2", "utf16le"],
  ["utf8", "utf8"]]) {
  define(Buffer.prototype, {
    [`${name}Slice`](start, end) {
      return toText.call(this, encoding, start, end);
    },
    [`${name}Write`](string, offset, length) {
      return write.call(this, string, offset, length, encoding);
    },
  });
}

function transcode(source, from, to) {
  return Buffer.from(Buffer.from(source.buffer, source.byteOffset,
    source.byteLength).toString(from),
    to);
}

const kMaxLength = 2 ** 32, kStringMaxLength = 0x1fffffe8;
module.exports = {
  Buffer,
  SlowBuffer: (size) => Buffer.alloc(size),
  kMaxLength,
  kStringMaxLength,
  INSPECT_MAX_BYTES: 50,
  constants: { MAX_LENGTH: kMaxLength, MAX_STRING_LENGTH: kStringMaxLength },
  Blob: globalThis.Blob,
  File: globalThis.File,
  atob: globalThis.atob,
  btoa: globalThis.btoa,
  isUtf8: (bytes) => native.bytesAreUtf8(bytes),
  isAscii: (bytes) => native.bytesAreAscii(bytes),
  transcode,
  resolveObjectURL: () => undefined,
};
