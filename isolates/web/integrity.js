// Subresource integrity: fetch() with an `integrity`.
// https://w3c.github.io/webappsec-subresource-integrity/

const {
  ArrayPrototypePush, RegExpPrototypeExec, StringPrototypeCharCodeAt, StringPrototypeReplaceAll,
  StringPrototypeSlice, StringPrototypeSplit, StringPrototypeToUpperCase, TypeError,
  TypedArrayPrototypeGetLength, Uint8Array,
} = internals.primordials;
const { bodyOfBytes, consume, kTypeNone } = internals.body;
const { stateOf } = internals.response;

const metadata = /^(sha256|sha384|sha512)-([A-Za-z0-9+/_-]+={0,2})(?:\?[\x21-\x7e]*)?$/i;

/** The digests to compare with: those of the strongest algorithm; undefined if there are none. */
function parse(text) {
  const words = StringPrototypeSplit(StringPrototypeReplaceAll(text, "\t", " "), " ");
  let algorithm = "", digests = [];
  for (let i = 0; i < words.length; i++) {
    const found = RegExpPrototypeExec(metadata, words[i]);
    if (found === null) continue;
    // The names' order is that of strength.
    const name = StringPrototypeToUpperCase(found[1]);
    if (name < algorithm) continue;
    if (name > algorithm) digests = [];
    algorithm = name;
    ArrayPrototypePush(digests, found[2]);
  }
  return algorithm === "" ? undefined : { algorithm, digests };
}

function plainBase64(text) {
  text = StringPrototypeReplaceAll(text, "-", "+");
  return native.fromBase64(StringPrototypeReplaceAll(text, "_", "/"));
}

/** The response, once its body was read and is as promised; else throws a network error. */
async function check(response, integrity) {
  const wanted = parse(integrity);
  if (wanted === undefined) return response;
  const state = stateOf(response);
  const bytes = await consume(state.body, internals.kernel.kTakeBytes);
  const name = `SHA-${StringPrototypeSlice(wanted.algorithm, 3)}`;
  const found = new Uint8Array(native.digest(name, bytes));
  for (let i = 0; i < wanted.digests.length; i++) {
    if (matches(found, plainBase64(wanted.digests[i]))) {
      if (state.body !== null) state.body = bodyOfBytes(bytes, kTypeNone);
      return response;
    }
  }
  throw new TypeError(`Failed to fetch ${state.url}: the body is not what its integrity says.`);
}

/** Whether bytes are those of a text of bytes. */
function matches(bytes, text) {
  if (text === undefined || text.length !== TypedArrayPrototypeGetLength(bytes)) return false;
  for (let i = 0; i < text.length; i++) {
    if (StringPrototypeCharCodeAt(text, i) !== bytes[i]) return false;
  }
  return true;
}

internals.integrity = { check };
