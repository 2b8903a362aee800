// Blob and File. https://w3c.github.io/FileAPI/

const {
  ArrayBufferIsView, ArrayPrototypePush, DateNow, PromiseReject, PromiseResolve, RangeError,
  RegExpPrototypeExec, StringPrototypeReplaceAll, StringPrototypeToLowerCase,
  TypedArrayPrototypeGetBuffer, TypedArrayPrototypeGetByteLength, TypedArrayPrototypeSet,
  TypedArrayPrototypeSubarray, TypeError, Uint8Array,
} = internals.primordials;
const {
  configureInterface, converters, isArrayBuffer, isObject, iterate, iteratorMethod,
  requiredArguments,
} = internals.webidl;

const kBlobBytesMax = 128 * 1024 * 1024;
const clamp = { __proto__: null, clamp: true };
const printable = /^[\x20-\x7e]*$/;

const kAdopt = Symbol("adopt");

class Blob {
  /** A Uint8Array nobody changes; slices share its memory. */
  #bytes;
  #type;

  constructor(parts = undefined, options = undefined) {
    if (parts === kAdopt) {
      this.#bytes = options.bytes;
      this.#type = options.type;
      return;
    }
    const prefix = "Failed to construct 'Blob'";
    if (parts === undefined) {
      this.#bytes = new Uint8Array(0);
      this.#type = toType(readOptions(options, prefix).type, prefix);
      return;
    }
    const list = readParts(parts, prefix);
    const { type, endings } = readOptions(options, prefix);
    this.#bytes = concatenate(list, endings === "native");
    this.#type = toType(type, prefix);
  }

  static is(value) {
    return isObject(value) && #bytes in value;
  }

  static bytesOf(blob) {
    return blob.#bytes;
  }

  static typeOf(blob) {
    return blob.#type;
  }

  get size() {
    return TypedArrayPrototypeGetByteLength(this.#bytes);
  }

  get type() {
    return this.#type;
  }

  /** https://w3c.github.io/FileAPI/#dfn-slice */
  slice(start = 0, end = undefined, type = "") {
    const bytes = this.#bytes;
    const size = TypedArrayPrototypeGetByteLength(bytes);
    const prefix = "Failed to execute 'slice' on 'Blob'";
    const from = clampIndex(converters.longLong(start, prefix, "argument 1", clamp), size);
    const to = end === undefined ? size :
      clampIndex(converters.longLong(end, prefix, "argument 2", clamp), size);
    return create(TypedArrayPrototypeSubarray(bytes, from, to > from ? to : from),
      toType(type, prefix));
  }

  arrayBuffer() {
    return promising(() => TypedArrayPrototypeGetBuffer(native.copyBytes(this.#bytes)));
  }

  bytes() {
    return promising(() => native.copyBytes(this.#bytes));
  }

  text() {
    return promising(() => native.bytesToText(this.#bytes));
  }

  stream() {
    const bytes = this.#bytes;
    return internals.bodyStreams.createBytes({
      pull(sink) {
        if (TypedArrayPrototypeGetByteLength(bytes) > 0) sink.chunk(native.copyBytes(bytes));
        sink.end();
      },
      cancel() {},
    });
  }
}
const { is: isBlob, bytesOf, typeOf } = Blob;
delete Blob.is;
delete Blob.bytesOf;
delete Blob.typeOf;
configureInterface(Blob);

class File extends Blob {
  #name;
  #lastModified;

  constructor(parts, name, options = undefined) {
    const prefix = "Failed to construct 'File'";
    if (parts !== kAdopt) requiredArguments(arguments.length, 2, prefix);
    if (parts === kAdopt) {
      super(kAdopt, options);
      this.#name = name;
      this.#lastModified = options.lastModified;
      return;
    }
    super(parts, options);
    this.#name = converters.USVString(name, prefix, "argument 2");
    const time = isObject(options) ? options.lastModified : undefined;
    this.#lastModified = time === undefined ? DateNow() :
      converters.longLong(time, prefix, "lastModified");
  }

  static is(value) {
    return isObject(value) && #name in value;
  }

  static nameOf(file) {
    return file.#name;
  }

  static timeOf(file) {
    return file.#lastModified;
  }

  get name() {
    return this.#name;
  }

  get lastModified() {
    return this.#lastModified;
  }

  get webkitRelativePath() {
    this.#name;
    return "";
  }
}
const { is: isFile, nameOf, timeOf } = File;
delete File.is;
delete File.nameOf;
delete File.timeOf;
configureInterface(File);

function promising(operation) {
  try {
    return PromiseResolve(operation());
  } catch (error) {
    return PromiseReject(error);
  }
}

function clampIndex(index, size) {
  if (index < 0) return index + size < 0 ? 0 : index + size;
  return index > size ? size : index;
}

/** Lower-case printable ASCII, or nothing. */
function toType(value, prefix) {
  if (value === undefined) return "";
  const text = converters.DOMString(value, prefix, "type");
  return RegExpPrototypeExec(printable, text) === null ? "" : StringPrototypeToLowerCase(text);
}

function readOptions(options, prefix) {
  if (options === undefined || options === null) return { type: undefined, endings: undefined };
  if (!isObject(options)) throw new TypeError(`${prefix}: the options must be an object.`);
  let { endings } = options;
  if (endings !== undefined) {
    endings = converters.DOMString(endings, prefix, "endings");
    if (endings !== "transparent" && endings !== "native") {
      throw new TypeError(`${prefix}: endings must be "transparent" or "native".`);
    }
  }
  return { endings, type: options.type };
}

function readParts(parts, prefix) {
  const method = isObject(parts) ? iteratorMethod(parts, prefix, "argument 1") : undefined;
  if (method === undefined) {
    throw new TypeError(`${prefix}: the parts must be an array or another iterable object.`);
  }
  const list = [];
  iterate(parts, method, (part) => {
    if (!ArrayBufferIsView(part) && !isArrayBuffer(part) && !isBlob(part)) {
      part = converters.USVString(part, prefix, "a part");
    }
    ArrayPrototypePush(list, part);
  });
  return list;
}

/** Always new memory. */
function concatenate(parts, nativeEndings) {
  const chunks = [];
  let size = 0;
  for (let i = 0; i < parts.length; i++) {
    let part = parts[i];
    if (typeof part === "string") {
      if (nativeEndings) part = StringPrototypeReplaceAll(part, "\r\n", "\n");
      if (nativeEndings) part = StringPrototypeReplaceAll(part, "\r", "\n");
      part = native.textToBytes(part);
    } else {
      part = isBlob(part) ? bytesOf(part) : native.viewBytes(part);
    }
    size += TypedArrayPrototypeGetByteLength(part);
    if (size > kBlobBytesMax) {
      throw new RangeError(`Blob size ${size} exceeds limit ${kBlobBytesMax}`);
    }
    ArrayPrototypePush(chunks, part);
  }
  const bytes = new Uint8Array(size);
  let offset = 0;
  for (let i = 0; i < chunks.length; i++) {
    TypedArrayPrototypeSet(bytes, chunks[i], offset);
    offset += TypedArrayPrototypeGetByteLength(chunks[i]);
  }
  return bytes;
}

/** A Blob around bytes that the caller gives away. */
function create(bytes, type) {
  return new Blob(kAdopt, { bytes, type: toType(type) });
}

function createFile(bytes, type, name, lastModified = DateNow()) {
  return new File(kAdopt, name, { bytes, type: toType(type), lastModified });
}

internals.cloneable ??= [];
ArrayPrototypePush(internals.cloneable, (object) => {
  if (!isBlob(object)) return undefined;
  const bytes = bytesOf(object), type = typeOf(object);
  return isFile(object) ? createFile(bytes, type, nameOf(object), timeOf(object))
    : create(bytes, type);
});

internals.blob = {
  Blob, File, bytesOf, create, createFile, isBlob, isFile, nameOf, timeOf, typeOf,
};
internals.defineGlobal("Blob", Blob);
internals.defineGlobal("File", File);
