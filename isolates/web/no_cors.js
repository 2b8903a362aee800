// What the headers of a request with mode "no-cors" may say.
// https://fetch.spec.whatwg.org/#no-cors-safelisted-request-header

const { RegExpPrototypeExec } = internals.primordials;
const { HeaderList, listAppend, listFlat, listGet } = internals.headers;

const kValueLengthMax = 128;
const unsafe = /[\x00-\x08\x0a-\x1f"():<>?@[\\\]{}\x7f]/;
const language = /^[0-9A-Za-z *,\-.;=]*$/;

/** https://fetch.spec.whatwg.org/#no-cors-safelisted-request-header-name */
function allowsName(name) {
  return name === "accept" || name === "accept-language" || name === "content-language" ||
    name === "content-type";
}

/** Of a lower-case name and a normalized value. */
function allows(name, value) {
  if (!allowsName(name) || value.length > kValueLengthMax) return false;
  if (name === "accept") return RegExpPrototypeExec(unsafe, value) === null;
  if (name !== "content-type") return RegExpPrototypeExec(language, value) !== null;
  if (RegExpPrototypeExec(unsafe, value) !== null) return false;
  internals.load("web/mime_type.js");
  const mime = internals.mimeType.parse(value);
  return mime !== undefined && (mime.essence === "application/x-www-form-urlencoded" ||
    mime.essence === "multipart/form-data" || mime.essence === "text/plain");
}

/** Whether a value may be added to those that the list has. */
function allowsMore(list, name, value) {
  const before = listGet(list, name);
  return allows(name, before === null ? value : `${before}, ${value}`);
}

/** Of a list, what such a request may carry. */
function filtered(list) {
  const flat = listFlat(list), kept = new HeaderList();
  for (let i = 0; i < flat.length; i += 2) {
    if (allowsMore(kept, flat[i], flat[i + 1])) listAppend(kept, flat[i], flat[i + 1]);
  }
  return kept;
}

internals.noCors = { allows, allowsMore, allowsName, filtered };
