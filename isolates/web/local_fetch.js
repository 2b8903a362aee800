// What fetch() answers without a network: blob: and data: URLs, and the URLs of blobs.
// https://fetch.spec.whatwg.org/#scheme-fetch https://w3c.github.io/FileAPI/#url
//
// A blob's URL lives as long as the request that made it, and is known to that request alone: what
// a script forgets to revoke is gone with it.

const {
  MapPrototypeDelete, MapPrototypeGet, MapPrototypeSet, MathMax, Number, RegExpPrototypeExec,
  String, StringPrototypeCharCodeAt, StringPrototypeIndexOf, StringPrototypeSlice,
  StringPrototypeStartsWith, TypeError, TypedArrayPrototypeGetByteLength,
  TypedArrayPrototypeSubarray, Uint8Array, WeakMapPrototypeGet, WeakMapPrototypeSet,
} = internals.primordials;
const { createInterfaceConverter } = internals.webidl;
const { currentInvocation, findInvocation } = internals.kernel;
const { load } = internals;

load("web/blob.js");
const { bytesOf, isBlob, typeOf } = internals.blob;

const toBlob = createInterfaceConverter("Blob", isBlob);

// ---- the URLs of blobs --------------------------------------------------------------------------

/** Invocation -> Map of URL -> {bytes, type}. */
const stores = new WeakMap();

/** https://w3c.github.io/FileAPI/#dfn-createObjectURL */
function createUrl(value, prefix) {
  const blob = toBlob(value, prefix, "argument 1");
  const invocation = currentInvocation();
  let store = WeakMapPrototypeGet(stores, invocation);
  if (store === undefined) {
    store = { urls: new Map(), origin: originOf(invocation) };
    WeakMapPrototypeSet(stores, invocation, store);
  }
  const href = `blob:${store.origin}/${native.randomUuid()}`;
  MapPrototypeSet(store.urls, href, { bytes: bytesOf(blob), type: typeOf(blob) });
  return href;
}

/** Of the site that is being served; "null" for events that are no requests. */
function originOf({ slot }) {
  try {
    return native.urlOrigin(native.requestField(slot, kFieldUrl));
  } catch {
    return "null";
  }
}
/** As in request.js. */
const kFieldUrl = 1;

/** https://w3c.github.io/FileAPI/#dfn-revokeObjectURL */
function revokeUrl(text) {
  const store = storeOfThis();
  if (store === undefined) return;
  const href = native.resolveUrl(text);
  if (href !== undefined) MapPrototypeDelete(store.urls, href);
}

/** The {bytes, type} that a URL stands for now; null if it stands for none. */
function resolve(href) {
  const store = storeOfThis();
  if (store === undefined) return null;
  const end = StringPrototypeIndexOf(href, "#");
  const plain = end < 0 ? href : StringPrototypeSlice(href, 0, end);
  return MapPrototypeGet(store.urls, plain) ?? null;
}

function storeOfThis() {
  const invocation = findInvocation();
  return invocation === undefined ? undefined : WeakMapPrototypeGet(stores, invocation);
}

// ---- answers ------------------------------------------------------------------------------------

/**
 * The answer to a request for a URL that is not HTTP's, as fetch.js has answers; throws the
 * TypeError of a network error. `blob` is what resolve() gave when the request was made, `range`
 * the value of its Range header or null.
 */
function answer(href, method, blob, range) {
  if (StringPrototypeStartsWith(href, "data:")) return answerData(href, method);
  if (StringPrototypeStartsWith(href, "blob:")) {
    if (blob === null) {
      throw new TypeError(`Failed to fetch ${href}: there is no such blob, or it was revoked, or ` +
        "it is another request's.");
    }
    if (method !== "GET") throw new TypeError(`Failed to fetch ${href}: a blob can only be got.`);
    return answerBlob(href, blob, range);
  }
  throw new TypeError(`Fetch API cannot load: ${href}. Only http:, https:, data: and blob: URLs ` +
    "can be fetched.");
}

function answerBlob(href, { bytes, type }, range) {
  const size = TypedArrayPrototypeGetByteLength(bytes);
  if (range === null) {
    return { status: 200, reason: "OK", content: bytes,
      flat: ["content-length", String(size), "content-type", type] };
  }
  const part = parseRange(range, size);
  if (part === undefined) {
    throw new TypeError(`Failed to fetch ${href}: the Range "${range}" is none of its ${size} ` +
      "bytes.");
  }
  const { start, end } = part;
  return { status: 206, reason: "Partial Content",
    content: TypedArrayPrototypeSubarray(bytes, start, end + 1),
    flat: ["content-length", String(end + 1 - start), "content-type", type,
      "content-range", `bytes ${start}-${end}/${size}`] };
}

const singleRange = /^bytes[\t ]*=[\t ]*([0-9]*)[\t ]*-[\t ]*([0-9]*)$/;

/** https://fetch.spec.whatwg.org/#simple-range-header-value, applied to `size` bytes. */
function parseRange(text, size) {
  const found = RegExpPrototypeExec(singleRange, text);
  if (found === null || (found[1] === "" && found[2] === "")) return undefined;
  if (found[1] === "") return { start: MathMax(size - Number(found[2]), 0), end: size - 1 };
  const start = Number(found[1]);
  let end = found[2] === "" ? size - 1 : Number(found[2]);
  if (start > end || start >= size) return undefined;
  if (end >= size) end = size - 1;
  return { start, end };
}

const base64Ending = /;\x20*base64$/i;

/** https://fetch.spec.whatwg.org/#data-url-processor */
function answerData(href, method) {
  const hash = StringPrototypeIndexOf(href, "#");
  const text = StringPrototypeSlice(href, 5, hash < 0 ? href.length : hash);
  const comma = StringPrototypeIndexOf(text, ",");
  if (comma < 0) throw new TypeError("Failed to fetch: the data: URL has no comma.");
  let type = native.headerValue(StringPrototypeSlice(text, 0, comma));
  let bytes = percentDecoded(StringPrototypeSlice(text, comma + 1));
  const ending = RegExpPrototypeExec(base64Ending, type);
  if (ending !== null) {
    type = StringPrototypeSlice(type, 0, ending.index);
    bytes = base64Decoded(bytes);
  }
  if (StringPrototypeStartsWith(type, ";")) type = `text/plain${type}`;
  load("web/mime_type.js");
  const { parse, serialize } = internals.mimeType;
  const mime = parse(type);
  return { status: 200, reason: "OK", content: method === "HEAD" ? undefined : bytes,
    flat: ["content-type", mime === undefined ? "text/plain;charset=US-ASCII" : serialize(mime)] };
}

function hexValue(unit) {
  if (unit >= 48 && unit <= 57) return unit - 48;
  const letter = unit | 32;
  return letter >= 97 && letter <= 102 ? letter - 87 : -1;
}

/** The bytes of a part of a URL, which is ASCII. */
function percentDecoded(text) {
  const bytes = native.textToBytes(text);
  if (StringPrototypeIndexOf(text, "%") < 0) return bytes;
  const length = TypedArrayPrototypeGetByteLength(bytes);
  let kept = 0;
  for (let i = 0; i < length; i++) {
    let unit = bytes[i];
    if (unit === 37 && i + 2 < length) {
      const high = hexValue(bytes[i + 1]), low = hexValue(bytes[i + 2]);
      if (high >= 0 && low >= 0) {
        unit = high * 16 + low;
        i += 2;
      }
    }
    bytes[kept++] = unit;
  }
  return TypedArrayPrototypeSubarray(bytes, 0, kept);
}

function base64Decoded(bytes) {
  // Bytes that are not ASCII become characters that are no base64.
  const text = native.fromBase64(native.decodeUtf8(bytes, false, true));
  if (text === undefined) throw new TypeError("Failed to fetch: the data: URL is not base64.");
  const decoded = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) decoded[i] = StringPrototypeCharCodeAt(text, i);
  return decoded;
}

internals.localFetch = { answer, createUrl, resolve, revokeUrl };
