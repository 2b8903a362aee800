// Bodies of requests and responses. https://fetch.spec.whatwg.org/#bodies
//
// A body stays in the form it came in for as long as it can: a string is encoded by the host when
// it is sent, a request's bytes are decoded by the host when text() asks, and an inbound body that
// is handed on never enters JavaScript. A stream is made only when somebody touches `.body`.

const {
  ArrayBufferIsView, ArrayIsArray, ArrayPrototypePush, JSONParse, PromiseReject, String,
  StringPrototypeToWellFormed, SymbolAsyncIterator, SymbolIterator, TypeError,
  TypedArrayPrototypeGetBuffer, TypedArrayPrototypeGetByteLength, TypedArrayPrototypeSet,
  Uint8Array,
} = internals.primordials;
const { isArrayBuffer, isObject } = internals.webidl;
const {
  InboundBody, OutboundBody, kTakeText, kTakeBuffer, kTakeBytes, kTakeJson, reportException,
} = internals.kernel;
const streams = internals.bodyStreams;
const { abort } = internals;

/** Content types that the host knows by number; src/webapi/effects.cc has the same table. */
const kTypeNone = 0, kTypeText = 1, kTypeForm = 2, kTypeJson = 3;
const typeTexts = [
  null, "text/plain;charset=UTF-8", "application/x-www-form-urlencoded;charset=UTF-8",
  "application/json"];

const kUsed = "Body has already been used. It can only be used once. Use tee() first if you need " +
  "to read it twice.";
const kLocked = "This ReadableStream is currently locked to a reader, so its body cannot be used.";

/** A body, shared by every request and response made from it. Exactly one source is not null. */
class Body {
  text = null;
  /** A Uint8Array that nobody else can change. */
  bytes = null;
  /** An InboundBody. */
  inbound = null;
  /** The Invocation whose request came with this body whole; the host has the bytes. */
  request = null;
  /** The ReadableStream, made from the source or given by the script. */
  stream = null;
  /** The source is gone: it was read, sent, or is being read through the stream. */
  used = false;
  /** In bytes, where a stream's source promised it. */
  length = undefined;
  /** What Content-Type it brings: a kType... or a string. */
  type = kTypeNone;
  /** The content coding of `inbound`, `bytes` or `encoded`; stream and readers see it decoded. */
  coding = undefined;
  /** fetch() asked for that coding, and not the script. */
  codingIsOurs = false;
  /** A stream of encoded bytes: what clone() makes of an inbound body with a coding. */
  encoded = null;
  /** The AbortSignal of the fetch() that it came by, if there was one. */
  signal = null;
}

// ---- making bodies ------------------------------------------------------------------------------

function bodyOfText(text, type) {
  const body = new Body();
  body.text = text;
  body.type = type;
  return body;
}

/** Takes `bytes` over. */
function bodyOfBytes(bytes, type) {
  const body = new Body();
  body.bytes = bytes;
  body.type = type;
  return body;
}

function bodyOfInbound(invocation, id, length) {
  const body = new Body();
  body.inbound = new InboundBody(invocation, id, length);
  body.length = length;
  return body;
}

/** Aborting `signal` breaks the body of a fetched response, read or not. */
function followSignal(body, signal) {
  body.signal = signal;
  const { inbound } = body;
  if (inbound === null) return;
  const onAbort = (reason) => inbound.abort(reason);
  inbound.onOver = () => abort.removeAlgorithm(signal, onAbort);
  abort.addAlgorithm(signal, onAbort);
}

function isAborted({ signal }) {
  return signal !== null && abort.isAborted(signal);
}

function bodyOfRequest(invocation) {
  const body = new Body();
  body.request = invocation;
  return body;
}

function bodyFromStream(stream) {
  const known = streams.bodyOf(stream);
  if (known !== undefined && !known.used) {
    if (streams.isDisturbed(stream)) throw new TypeError(kUsed);
    if (streams.isLocked(stream)) throw new TypeError(kLocked);
    return known;
  }
  if (known !== undefined || streams.isDisturbed(stream)) throw new TypeError(kUsed);
  if (streams.isLocked(stream)) throw new TypeError(kLocked);
  const body = new Body();
  body.stream = stream;
  body.length = streams.expectedLength(stream);
  streams.setBody(stream, body);
  return body;
}

/** A copy of the bytes of a view or buffer. */
function copyBytes(source) {
  return native.copyBytes(source);
}

/** Of neither null nor undefined. https://fetch.spec.whatwg.org/#concept-bodyinit-extract */
function extractBody(value) {
  if (typeof value === "string") return bodyOfText(value, kTypeText);
  if (isObject(value)) {
    const body = extractObject(value);
    if (body !== undefined) return body;
  }
  if (typeof value === "symbol") throw new TypeError("A symbol cannot be a body.");
  return bodyOfText(String(value), kTypeText);
}

function extractObject(value) {
  if (streams.isReadableStream(value)) return bodyFromStream(value);
  if (ArrayBufferIsView(value) || isArrayBuffer(value)) {
    return bodyOfBytes(copyBytes(value), kTypeNone);
  }
  if (internals.url.isURLSearchParams(value)) {
    return bodyOfText(internals.url.serializeSearchParams(value), kTypeForm);
  }
  const blob = internals.blob;
  if (blob !== undefined && blob.isBlob(value)) {
    return bodyOfBytes(blob.bytesOf(value), blob.typeOf(value) || kTypeNone);
  }
  const formData = internals.formData;
  if (formData !== undefined && formData.isFormData(value)) {
    const { bytes, type } = formData.encodeMultipart(value);
    return bodyOfBytes(bytes, type);
  }
  if (isIterableBody(value)) return bodyFromStream(streams.fromIterable(value));
  return undefined;
}

/** Workers take iterables of bytes; arrays and things with a text of their own stay texts. */
function isIterableBody(value) {
  if (typeof value[SymbolAsyncIterator] === "function") return true;
  return typeof value[SymbolIterator] === "function" && !ArrayIsArray(value) &&
    value.toString === objectToString;
}
const objectToString = Object.prototype.toString;

/** A second, independent body. https://fetch.spec.whatwg.org/#concept-body-clone */
function cloneBody(body) {
  if (body === null) return null;
  checkUsable(body);
  const copy = new Body();
  copy.type = body.type;
  copy.length = body.length;
  copy.signal = body.signal;
  if (body.coding !== undefined && body.bytes === null) return cloneEncoded(body, copy);
  if (body.stream === null && body.inbound === null) {
    copyCoding(body, copy);
    copy.text = body.text;
    copy.bytes = body.bytes;
    copy.request = body.request;
    return copy;
  }
  const { first, second } = streams.tee(streamOf(body));
  body.stream = first;
  copy.stream = second;
  // Both read what the source sends from now on.
  body.text = body.bytes = body.inbound = body.request = null;
  body.used = false;
  streams.setBody(first, body);
  streams.setBody(second, copy);
  return copy;
}

function copyCoding(body, copy) {
  copy.coding = body.coding;
  copy.codingIsOurs = body.codingIsOurs;
}

/** Both stay encoded until somebody reads them. */
function cloneEncoded(body, copy) {
  const { first, second } = streams.tee(body.encoded ?? rawStream(body.inbound));
  // A stream that stood for the body before is nobody's any more.
  if (body.stream !== null) streams.lock(body.stream);
  body.stream = body.inbound = null;
  body.encoded = first;
  copy.encoded = second;
  copyCoding(body, copy);
  return copy;
}

/** Moves the content to a new body and leaves the old one used; `new Request(request)` does it. */
function transferBody(body) {
  const moved = new Body();
  moved.type = body.type;
  moved.length = body.length;
  moved.signal = body.signal;
  if (body.text !== null || body.bytes !== null || body.request !== null ||
      body.inbound !== null || body.encoded !== null) {
    copyCoding(body, moved);
    moved.encoded = body.encoded;
    moved.text = body.text;
    moved.bytes = body.bytes;
    moved.request = body.request;
    moved.inbound = body.inbound;
    markUsed(body);
  } else {
    body.used = true;
    moved.stream = streams.proxy(body.stream);
    streams.setBody(moved.stream, moved);
  }
  return moved;
}

// ---- streams on demand --------------------------------------------------------------------------

/** The value of `.body`. */
function streamOf(body) {
  if (body === null) return null;
  if (body.stream !== null) return body.stream;
  let stream;
  if (body.used) {
    stream = streams.createBytes({ pull: (sink) => sink.end(), cancel() {} });
    streams.lock(stream);
  } else if (isAborted(body)) {
    stream = streams.createBytes({
      pull: (sink) => sink.error(abort.reasonOf(body.signal)), cancel() {} });
  } else if (body.coding !== undefined) {
    stream = decodedStreamOf(body);
  } else if (body.inbound !== null) {
    stream = rawStream(body.inbound);
  } else {
    stream = streamFromSource(body);
  }
  body.stream = stream;
  streams.setBody(stream, body);
  return stream;
}

/** Decodes on demand: nothing is started until somebody reads. */
function decodedStreamOf({ inbound, bytes, encoded, coding }) {
  const { EncodedStream, decodeAll, decodedStream } = codings();
  if (inbound !== null) return decodedStream(inbound, coding);
  if (bytes !== null) return streamFromSource({ text: null, bytes: decodeAll(bytes, coding) });
  return decodedStream(new EncodedStream(encoded), coding);
}

function codings() {
  internals.load("web/body_coding.js");
  return internals.bodyCoding;
}

function rawStream(inbound) {
  let started = false;
  return streams.createBytes({
    pull(sink) {
      if (!started) {
        started = true;
        inbound.start(sink);
      }
      inbound.pull();
    },
    cancel: () => inbound.cancel(),
  });
}

function streamFromSource({ text, bytes, request }) {
  return streams.createBytes({
    pull(sink) {
      const content = sourceBytes(text, bytes, request);
      if (TypedArrayPrototypeGetByteLength(content) > 0) sink.chunk(content);
      sink.end();
    },
    cancel() {},
  });
}

/** The bytes of a source that is all there; the caller may keep them. */
function sourceBytes(text, bytes, request) {
  if (text !== null) return native.textToBytes(text);
  if (bytes !== null) return copyBytes(bytes);
  return native.requestBody(internals.headers.requestSlot(request), kTakeBytes);
}

// ---- reading ------------------------------------------------------------------------------------

/** The value of `.bodyUsed`. */
function isUsed(body) {
  if (body === null) return false;
  return body.used || (body.stream !== null && streams.isDisturbed(body.stream));
}

function checkUsable(body) {
  if (isUsed(body)) throw new TypeError(kUsed);
  if (body.stream !== null && streams.isLocked(body.stream)) throw new TypeError(kLocked);
}

/** As checkUsable(), for whoever is to read it now. */
function checkReadable(body) {
  if (isAborted(body)) throw abort.reasonOf(body.signal);
  checkUsable(body);
}

/** Marks a body as gone, so that neither it nor its stream can be read again. */
function markUsed(body) {
  body.used = true;
  if (body.stream !== null) streams.lock(body.stream);
}

/** text(), json(), arrayBuffer() and bytes() of whatever holds `body`. */
async function consume(body, take) {
  if (body === null) return convert(new Uint8Array(0), take);
  checkReadable(body);
  if (body.text !== null && body.stream === null) {
    body.used = true;
    if (take === kTakeText) return StringPrototypeToWellFormed(body.text);
    if (take === kTakeJson) return JSONParse(body.text);
    return convert(native.textToBytes(body.text), take);
  }
  if (body.request !== null) {
    const slot = internals.headers.requestSlot(body.request);
    markUsed(body);
    return native.requestBody(slot, take);
  }
  if (body.coding !== undefined && body.encoded === null) return consumeEncoded(body, take);
  if (body.inbound !== null) {
    markUsed(body);
    return body.inbound.collect(take);
  }
  if (body.bytes !== null || body.text !== null) {
    markUsed(body);
    return convert(sourceBytes(body.text, body.bytes, null), take);
  }
  const stream = streamOf(body);
  body.used = true;
  return convert((await readAll(stream)).bytes, take);
}

/** The whole is gathered by the host as it came, and decoded here. */
async function consumeEncoded(body, take) {
  markUsed(body);
  const bytes = body.bytes ?? await body.inbound.collect(kTakeBytes);
  return convert(codings().decodeAll(bytes, body.coding), take);
}

/** Of bytes that the caller gives away. */
function convert(bytes, take) {
  if (take === kTakeBytes) return bytes;
  if (take === kTakeBuffer) return TypedArrayPrototypeGetBuffer(bytes);
  const text = native.bytesToText(bytes);
  return take === kTakeText ? text : JSONParse(text);
}

/** A promise of {bytes}, which is nobody's heir: a `then` on Object.prototype is not asked. */
async function readAll(stream) {
  const reader = streams.acquireReader(stream);
  const chunks = [];
  let total = 0;
  for (;;) {
    const { done, value } = await streams.read(reader);
    if (done) break;
    const bytes = chunkBytes(value);
    ArrayPrototypePush(chunks, bytes);
    total += TypedArrayPrototypeGetByteLength(bytes);
  }
  if (chunks.length === 1) return { __proto__: null, bytes: copyBytes(chunks[0]) };
  const all = new Uint8Array(total);
  let offset = 0;
  for (let i = 0; i < chunks.length; i++) {
    TypedArrayPrototypeSet(all, chunks[i], offset);
    offset += TypedArrayPrototypeGetByteLength(chunks[i]);
  }
  return { __proto__: null, bytes: all };
}

/** A chunk that a stream used as a body gave; throws a TypeError if it is not made of bytes. */
function chunkBytes(chunk) {
  if (ArrayBufferIsView(chunk) || isArrayBuffer(chunk)) {
    const bytes = native.viewBytes(chunk);
    if (bytes !== undefined) return bytes;
  }
  if (typeof chunk === "string") {
    throw new TypeError("The body's stream gave a string where bytes were expected. Encode it " +
      "with a TextEncoder, or pipe the stream through a TextEncoderStream.");
  }
  throw new TypeError("The body's stream gave a value that is not a Uint8Array, an ArrayBuffer " +
    "or another view of one.");
}

async function consumeBlob(body, type) {
  if (body !== null) checkReadable(body);
  const bytes = await consume(body, kTakeBytes);
  internals.load("web/blob.js");
  return internals.blob.create(bytes, type ?? "");
}

async function consumeFormData(body, type) {
  if (body !== null) checkReadable(body);
  internals.load("web/form_data.js");
  const bytes = await consume(body, kTakeBytes);
  return internals.formData.parserFor(type)(bytes);
}

// ---- sending ------------------------------------------------------------------------------------

/**
 * The body in the form in which the effects take it, for `invocation`: undefined (none), a string,
 * a Uint8Array, `true` (the bytes that came with this invocation's request) or a number (the id of
 * a body that flows). The body is used up. `plan` is bodyCoding.planFor()'s, where it matters.
 * `onError` hears why a stream broke; without it, the script's log does.
 */
function outgoing(invocation, body, plan = undefined, onError = null) {
  if (body === null) return undefined;
  checkUsable(body);
  if (plan !== undefined || body.coding !== undefined) {
    const content = outgoingCoded(invocation, body, plan, onError);
    if (content !== undefined) return content;
  }
  if (body.text !== null) {
    markUsed(body);
    return body.text;
  }
  if (body.bytes !== null) {
    markUsed(body);
    return body.bytes;
  }
  if (body.request !== null) {
    const slot = internals.headers.requestSlot(body.request);
    markUsed(body);
    return body.request === invocation ? true : native.requestBody(slot, kTakeBytes);
  }
  if (body.inbound !== null) {
    if (body.inbound.invocation !== invocation) {
      throw new Error("Cannot perform I/O on behalf of a different request: this body belongs to " +
        "another one.");
    }
    markUsed(body);
    return body.inbound.id;
  }
  return pumpOut(invocation, body, body.stream, body.length, null, onError);
}

/** As outgoing(); undefined if the body goes out like any other. */
function outgoingCoded(invocation, body, plan, onError) {
  const encode = plan === undefined ? undefined : plan.encode;
  if (plan !== undefined && plan.raw) {
    if (body.encoded === null) return undefined;
    return pumpOut(invocation, body, body.encoded, undefined, null, onError);
  }
  if (body.coding === undefined && encode === undefined) return undefined;
  const { OutgoingEncoder, decodeAll, encodeAll } = codings();
  const whole = body.bytes !== null || body.text !== null || body.request !== null;
  if (whole) {
    let bytes = sourceBytes(body.text, body.bytes, body.request);
    markUsed(body);
    if (body.coding !== undefined) bytes = decodeAll(bytes, body.coding);
    return encode === undefined ? bytes : encodeAll(bytes, encode);
  }
  const length = body.coding === undefined ? body.length : undefined;
  return pumpOut(invocation, body, streamOf(body), length,
    encode === undefined ? null : new OutgoingEncoder(encode), onError);
}

function pumpOut(invocation, body, stream, length, encoder, onError) {
  body.used = true;
  const outbound = new OutboundBody(invocation);
  pump(outbound, streams.acquireReader(stream), length, encoder, onError);
  return outbound.id;
}

/** Writes a stream out, as fast as the other side takes it. Its first write comes after a tick. */
async function pump(outbound, reader, expected, encoder, onError) {
  const write = (bytes) => outbound.write(bytes);
  outbound.onGone = (error) => streams.cancel(reader, error);
  try {
    await undefined;
    let total = 0;
    for (;;) {
      const room = outbound.ready();
      if (room !== undefined) await room;
      if (!outbound.open) return;
      const { done, value } = await streams.read(reader);
      if (!outbound.open) return;
      if (done) break;
      const bytes = chunkBytes(value);
      total += TypedArrayPrototypeGetByteLength(bytes);
      if (encoder === null) write(bytes);
      else encoder.write(bytes, write);
    }
    if (encoder !== null) encoder.finish(write);
    if (expected !== undefined && total !== expected) {
      throw new TypeError(`The stream ended after ${total} of the ${expected} bytes it promised.`);
    }
    outbound.close(undefined);
  } catch (error) {
    if (!outbound.open) return;
    if (onError === null) reportException(error, "response body");
    else onError(error);
    outbound.close(internals.kernel.describeError(error).message);
    streams.cancel(reader, error);
  }
}

// ---- the mixin ----------------------------------------------------------------------------------

/**
 * Gives a class the members of https://fetch.spec.whatwg.org/#body-mixin. `bodyOf(object)` throws a
 * TypeError on a wrong receiver; `typeOf(object)` is its Content-Type or null.
 */
function defineBodyMixin(constructor, bodyOf, typeOf) {
  const members = {
    get body() {
      return streamOf(bodyOf(this));
    },
    get bodyUsed() {
      return isUsed(bodyOf(this));
    },
    arrayBuffer() {
      return rejecting(this, (object) => consume(bodyOf(object), kTakeBuffer));
    },
    blob() {
      return rejecting(this, (object) => consumeBlob(bodyOf(object), typeOf(object)));
    },
    bytes() {
      return rejecting(this, (object) => consume(bodyOf(object), kTakeBytes));
    },
    formData() {
      return rejecting(this, (object) => consumeFormData(bodyOf(object), typeOf(object)));
    },
    json() {
      return rejecting(this, (object) => consume(bodyOf(object), kTakeJson));
    },
    text() {
      return rejecting(this, (object) => consume(bodyOf(object), kTakeText));
    },
  };
  const descriptors = Object.getOwnPropertyDescriptors(members);
  Object.defineProperties(constructor.prototype, descriptors);
}

/** An operation that returns a promise never throws: a wrong receiver rejects. */
function rejecting(object, operation) {
  try {
    return operation(object);
  } catch (error) {
    return PromiseReject(error);
  }
}

internals.body = {
  Body, bodyOfBytes, bodyOfInbound, bodyOfRequest, bodyOfText, checkUsable, cloneBody,
  defineBodyMixin, consume, extractBody, followSignal, isUsed, markUsed, outgoing, streamOf,
  transferBody, typeTexts,
  kTypeNone, kTypeText, kTypeForm, kTypeJson,
};

internals.defineLazy("Blob", "web/blob.js");
internals.defineLazy("File", "web/blob.js");
internals.defineLazy("FormData", "web/form_data.js");
internals.defineLazy("FileReader", "web/file_reader.js");
internals.defineLazy("FileReaderSync", "web/file_reader.js");
internals.defineLazy("ProgressEvent", "web/file_reader.js");
for (const name of ["Cache", "CacheStorage", "caches"]) {
  internals.defineLazy(name, "web/cache.js");
}
