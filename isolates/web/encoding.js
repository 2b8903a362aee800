// TextEncoder and TextDecoder. https://encoding.spec.whatwg.org/#api
// The bytes are turned in src/webapi/encoding.cc.

const {
  RangeError, StringPrototypeCharCodeAt, StringPrototypeSlice, StringPrototypeToLowerCase,
  TypeError, TypedArrayPrototypeGetLength, TypedArrayPrototypeGetSymbolToStringTag,
  TypedArrayPrototypeSet, TypedArrayPrototypeSlice, TypedArrayPrototypeSubarray, Uint32Array,
  Uint8Array,
} = internals.primordials;
const {
  configureInterface, converters, isObject, requiredArguments, typeError,
} = internals.webidl;
const { defineGlobal, defineLazy, load } = internals;

// ---- TextEncoder --------------------------------------------------------------------------------

class TextEncoder {
  #brand;

  get encoding() {
    this.#brand;
    return "utf-8";
  }

  /** https://encoding.spec.whatwg.org/#dom-textencoder-encode */
  encode(input = "") {
    this.#brand;
    return native.textToBytes(
      converters.DOMString(input, "Failed to execute 'encode' on 'TextEncoder'", "argument 1"));
  }

  /** https://encoding.spec.whatwg.org/#dom-textencoder-encodeinto */
  encodeInto(source, destination) {
    this.#brand;
    const prefix = "Failed to execute 'encodeInto' on 'TextEncoder'";
    requiredArguments(arguments.length, 2, prefix);
    source = converters.DOMString(source, prefix, "argument 1");
    if (TypedArrayPrototypeGetSymbolToStringTag(destination) !== "Uint8Array") {
      throw typeError(prefix, "argument 2", "is not of type 'Uint8Array'.");
    }
    const counts = native.encodeInto(source, destination);
    return { read: counts[0], written: counts[1] };
  }
}
configureInterface(TextEncoder);

// ---- labels -------------------------------------------------------------------------------------

/** ASCII whitespace. */
function isSpace(unit) {
  return unit === 32 || unit === 9 || unit === 10 || unit === 12 || unit === 13;
}

function trimmed(text) {
  let start = 0, end = text.length;
  while (start < end && isSpace(StringPrototypeCharCodeAt(text, start))) start++;
  while (end > start && isSpace(StringPrototypeCharCodeAt(text, end - 1))) end--;
  return StringPrototypeSlice(text, start, end);
}

/** https://encoding.spec.whatwg.org/#concept-encoding-get; throws for what is not known here. */
function encodingOf(label, prefix) {
  if (label === "utf-8" || label === "utf8") return "utf-8";
  load("web/encoding_tables.js");
  const name = internals.encodingTables.nameOf(StringPrototypeToLowerCase(trimmed(label)));
  if (name === undefined || name === "replacement") {
    throw new RangeError(`${prefix}: '${label}' names no encoding.`);
  }
  return name;
}

// ---- decoding -----------------------------------------------------------------------------------

const noBytes = new Uint8Array(0);

/**
 * Turns bytes into text piece by piece, whatever the encoding. Incomplete sequences at the end of a
 * piece wait in `pending` for the next.
 */
class Decoder {
  pending = noBytes;
  atStart = true;

  constructor(encoding, fatal, ignoreBOM) {
    this.encoding = encoding;
    this.fatal = fatal;
    this.ignoreBOM = ignoreBOM;
    // Of a single-byte encoding; undefined for the multi-byte ones of East Asia.
    this.table = encoding === "utf-8" || encoding === "utf-16le" || encoding === "utf-16be"
      ? null : internals.encodingTables.tableOf(encoding);
    // As decodeLegacy() in src/webapi/legacy_text.cc has it.
    this.legacyState = this.table === undefined ? new Uint32Array(2) : null;
  }

  /** `bytes` is a view or a buffer; with `more`, the text goes on in the next call. */
  decode(bytes, more) {
    if (this.legacyState !== null) return this.decodeLegacy(bytes, more);
    if (this.table !== null) {
      return this.checked(native.decodeSingleByte(bytes, this.table, this.fatal));
    }
    bytes = this.withPending(native.viewBytes(bytes));
    if (more) {
      const tail = native.incompleteTail(bytes, this.encoding);
      if (tail > 0) {
        const at = TypedArrayPrototypeGetLength(bytes) - tail;
        this.pending = TypedArrayPrototypeSlice(bytes, at);
        bytes = TypedArrayPrototypeSubarray(bytes, 0, at);
      }
    }
    const keepMark = this.ignoreBOM || !this.atStart;
    const text = this.checked(this.encoding === "utf-8"
      ? native.decodeUtf8(bytes, this.fatal, keepMark)
      : native.decodeUtf16(bytes, this.fatal, keepMark, this.encoding === "utf-16be"));
    // A byte order mark is one only in front of everything.
    if (!more) this.atStart = true;
    else if (TypedArrayPrototypeGetLength(bytes) > 0) this.atStart = false;
    return text;
  }

  decodeLegacy(bytes, more) {
    bytes = this.withPending(native.viewBytes(bytes));
    const state = this.legacyState;
    const text = native.decodeLegacy(bytes, this.encoding, this.fatal, more, state);
    const tail = state[0];
    if (tail > 0) {
      this.pending =
        TypedArrayPrototypeSlice(bytes, TypedArrayPrototypeGetLength(bytes) - tail);
    }
    return this.checked(text);
  }

  withPending(bytes) {
    const { pending } = this;
    const length = TypedArrayPrototypeGetLength(pending);
    if (length === 0) return bytes;
    this.pending = noBytes;
    const all = new Uint8Array(length + TypedArrayPrototypeGetLength(bytes));
    TypedArrayPrototypeSet(all, pending);
    TypedArrayPrototypeSet(all, bytes, length);
    return all;
  }

  checked(text) {
    if (text !== undefined) return text;
    this.pending = noBytes;
    this.atStart = true;
    throw new TypeError(`The encoded data was not valid for encoding ${this.encoding}`);
  }
}

/** The options of TextDecoder and TextDecoderStream: [label, fatal, ignoreBOM] after conversion. */
function makeDecoder(label, options, prefix) {
  label = converters.DOMString(label, prefix, "argument 1");
  let fatal = false, ignoreBOM = false;
  if (options !== undefined && options !== null) {
    if (!isObject(options)) throw typeError(prefix, "argument 2", "is not an object.");
    fatal = !!options.fatal;
    ignoreBOM = !!options.ignoreBOM;
  }
  return new Decoder(encodingOf(label, prefix), fatal, ignoreBOM);
}

class TextDecoder {
  #decoder;
  #streaming = false;

  constructor(label = "utf-8", options = undefined) {
    this.#decoder = makeDecoder(label, options, "Failed to construct 'TextDecoder'");
  }

  get encoding() {
    return this.#decoder.encoding;
  }

  get fatal() {
    return this.#decoder.fatal;
  }

  get ignoreBOM() {
    return this.#decoder.ignoreBOM;
  }

  /** https://encoding.spec.whatwg.org/#dom-textdecoder-decode */
  decode(input = undefined, options = undefined) {
    const decoder = this.#decoder;
    const prefix = "Failed to execute 'decode' on 'TextDecoder'";
    const bytes = input === undefined
      ? noBytes : converters.BufferSource(input, prefix, "argument 1");
    let stream = false;
    if (options !== undefined && options !== null) {
      if (!isObject(options)) throw typeError(prefix, "argument 2", "is not an object.");
      stream = !!options.stream;
    }
    if (!this.#streaming && !stream && decoder.encoding === "utf-8") {
      // The common case: one piece of UTF-8.
      return decoder.checked(native.decodeUtf8(bytes, decoder.fatal, decoder.ignoreBOM));
    }
    this.#streaming = stream;
    return decoder.decode(bytes, stream);
  }
}
configureInterface(TextDecoder);

defineGlobal("TextEncoder", TextEncoder);
defineGlobal("TextDecoder", TextDecoder);
defineLazy("atob", "web/base64.js");
defineLazy("btoa", "web/base64.js");
defineLazy("TextEncoderStream", "web/encoding_streams.js");
defineLazy("TextDecoderStream", "web/encoding_streams.js");

internals.encoding = { makeDecoder };
