// FormData, and its two encodings. https://xhr.spec.whatwg.org/#interface-formdata

const {
  ArrayPrototypePush, ArrayPrototypeSplice, MathFloor, MathRandom, RegExpPrototypeExec,
  StringPrototypeReplaceAll, StringPrototypeSplit, StringPrototypeToLowerCase, StringPrototypeTrim,
  TypeError, TypedArrayPrototypeGetByteLength, TypedArrayPrototypeSet,
  TypedArrayPrototypeSubarray, Uint8Array,
} = internals.primordials;
const {
  configureInterface, converters, definePairIterable, isObject, requiredArguments,
} = internals.webidl;
internals.load("web/blob.js");
const { bytesOf, createFile, isBlob, isFile, nameOf, timeOf, typeOf } = internals.blob;

// ---- the class ----------------------------------------------------------------------------------

class FormData {
  /** [{name, value}], value a string or a File. */
  #entries = [];

  constructor(form = undefined) {
    if (form !== undefined) {
      throw new TypeError("Failed to construct 'FormData': there are no HTML forms here.");
    }
  }

  static is(value) {
    return isObject(value) && #entries in value;
  }

  static entriesOf(formData) {
    return formData.#entries;
  }

  append(name, value, filename = undefined) {
    const entries = this.#entries;
    const prefix = "Failed to execute 'append' on 'FormData'";
    requiredArguments(arguments.length, 2, prefix);
    ArrayPrototypePush(entries, makeEntry(name, value, filename, arguments.length, prefix));
  }

  delete(name) {
    const entries = this.#entries;
    const prefix = "Failed to execute 'delete' on 'FormData'";
    requiredArguments(arguments.length, 1, prefix);
    const text = converters.USVString(name, prefix, "argument 1");
    removeFrom(entries, text, 0);
  }

  get(name) {
    const entries = this.#entries;
    const prefix = "Failed to execute 'get' on 'FormData'";
    requiredArguments(arguments.length, 1, prefix);
    const text = converters.USVString(name, prefix, "argument 1");
    for (let i = 0; i < entries.length; i++) if (entries[i].name === text) return entries[i].value;
    return null;
  }

  getAll(name) {
    const entries = this.#entries;
    const prefix = "Failed to execute 'getAll' on 'FormData'";
    requiredArguments(arguments.length, 1, prefix);
    const text = converters.USVString(name, prefix, "argument 1");
    const found = [];
    for (let i = 0; i < entries.length; i++) {
      if (entries[i].name === text) ArrayPrototypePush(found, entries[i].value);
    }
    return found;
  }

  has(name) {
    const entries = this.#entries;
    const prefix = "Failed to execute 'has' on 'FormData'";
    requiredArguments(arguments.length, 1, prefix);
    const text = converters.USVString(name, prefix, "argument 1");
    for (let i = 0; i < entries.length; i++) if (entries[i].name === text) return true;
    return false;
  }

  set(name, value, filename = undefined) {
    const entries = this.#entries;
    const prefix = "Failed to execute 'set' on 'FormData'";
    requiredArguments(arguments.length, 2, prefix);
    const entry = makeEntry(name, value, filename, arguments.length, prefix);
    for (let i = 0; i < entries.length; i++) {
      if (entries[i].name !== entry.name) continue;
      entries[i] = entry;
      removeFrom(entries, entry.name, i + 1);
      return;
    }
    ArrayPrototypePush(entries, entry);
  }
}
const { is: isFormData, entriesOf } = FormData;
delete FormData.is;
delete FormData.entriesOf;
definePairIterable(FormData, "FormData", entriesOf, {
  count: (formData) => entriesOf(formData).length,
  keyAt: (formData, index) => entriesOf(formData)[index].name,
  valueAt: (formData, index) => entriesOf(formData)[index].value,
});
configureInterface(FormData);

function removeFrom(entries, name, start) {
  for (let i = entries.length - 1; i >= start; i--) {
    if (entries[i].name === name) ArrayPrototypeSplice(entries, i, 1);
  }
}

/** https://xhr.spec.whatwg.org/#create-an-entry, after the conversions of its callers. */
function makeEntry(name, value, filename, count, prefix) {
  const text = converters.USVString(name, prefix, "argument 1");
  if (!isBlob(value)) {
    if (count > 2 && filename !== undefined) {
      throw new TypeError(`${prefix}: a value with a file name must be a Blob.`);
    }
    return { name: text, value: converters.USVString(value, prefix, "argument 2") };
  }
  if (count <= 2 || filename === undefined) {
    if (isFile(value)) return { name: text, value };
    return { name: text, value: createFile(bytesOf(value), typeOf(value), "blob") };
  }
  const named = converters.USVString(filename, prefix, "argument 3");
  const time = isFile(value) ? timeOf(value) : undefined;
  return { name: text, value: createFile(bytesOf(value), typeOf(value), named, time) };
}

// ---- writing ------------------------------------------------------------------------------------

function escapeName(text) {
  text = StringPrototypeReplaceAll(text, "\n", "%0A");
  text = StringPrototypeReplaceAll(text, "\r", "%0D");
  return StringPrototypeReplaceAll(text, "\"", "%22");
}

function crlf(text) {
  text = StringPrototypeReplaceAll(text, "\r\n", "\n");
  text = StringPrototypeReplaceAll(text, "\r", "\n");
  return StringPrototypeReplaceAll(text, "\n", "\r\n");
}

/** https://html.spec.whatwg.org/#multipart/form-data-encoding-algorithm */
function encodeMultipart(formData) {
  const entries = entriesOf(formData);
  let boundary = "----formdata-atoll-";
  for (let i = 0; i < 24; i++) boundary += MathFloor(MathRandom() * 10);
  const parts = [];
  let size = 0;
  const add = (bytes) => {
    size += TypedArrayPrototypeGetByteLength(bytes);
    ArrayPrototypePush(parts, bytes);
  };
  for (let i = 0; i < entries.length; i++) {
    const { name, value } = entries[i];
    const head = `--${boundary}\r\nContent-Disposition: form-data; ` +
      `name="${escapeName(crlf(name))}"`;
    if (typeof value === "string") {
      add(native.textToBytes(`${head}\r\n\r\n${crlf(value)}\r\n`));
    } else {
      const filename = escapeName(nameOf(value));
      add(native.textToBytes(`${head}; filename="${filename}"\r\nContent-Type: ` +
        `${typeOf(value) || "application/octet-stream"}\r\n\r\n`));
      add(bytesOf(value));
      add(native.textToBytes("\r\n"));
    }
  }
  add(native.textToBytes(`--${boundary}--\r\n`));
  const bytes = new Uint8Array(size);
  let offset = 0;
  for (let i = 0; i < parts.length; i++) {
    TypedArrayPrototypeSet(bytes, parts[i], offset);
    offset += TypedArrayPrototypeGetByteLength(parts[i]);
  }
  return { bytes, type: `multipart/form-data; boundary=${boundary}` };
}

// ---- reading ------------------------------------------------------------------------------------

const boundaryParameter = /;\s*boundary\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^;\s]+))/i;

/** The parser for a Content-Type: (bytes) => FormData. Throws if there is none for it. */
function parserFor(type) {
  const text = type === null ? "" : type;
  const essence = StringPrototypeToLowerCase(
    StringPrototypeTrim(StringPrototypeSplit(text, ";")[0]));
  if (essence === "application/x-www-form-urlencoded") return parseUrlencoded;
  if (essence === "multipart/form-data") {
    const found = RegExpPrototypeExec(boundaryParameter, text);
    const boundary = found === null ? "" : found[1] ?? found[2];
    if (boundary === "") {
      throw new TypeError("The Content-Type multipart/form-data has no boundary. Let fetch() or " +
        "Request set the header of a FormData body.");
    }
    return (bytes) => parseMultipart(bytes, boundary);
  }
  throw new TypeError("formData() needs a Content-Type of multipart/form-data or " +
    `application/x-www-form-urlencoded; this one is ${type === null ? "missing" : `"${text}"`}.`);
}

function parseUrlencoded(bytes) {
  const formData = new FormData();
  const entries = entriesOf(formData);
  const flat = internals.url.parseForm(native.decodeUtf8(bytes, false, true));
  for (let i = 0; i < flat.length; i += 2) {
    ArrayPrototypePush(entries, { name: flat[i], value: flat[i + 1] });
  }
  return formData;
}

/** https://andreubotella.github.io/multipart-form-data/#multipart-form-data-parser */
function parseMultipart(bytes, boundary) {
  const flat = native.parseMultipart(bytes, boundary);
  if (typeof flat === "string") throw new TypeError(`The multipart body is malformed: ${flat}`);
  const formData = new FormData();
  const entries = entriesOf(formData);
  // [name, file name or undefined, content type or undefined, start, end, ...]
  for (let i = 0; i < flat.length; i += 5) {
    const content = TypedArrayPrototypeSubarray(bytes, flat[i + 3], flat[i + 4]);
    const value = flat[i + 1] === undefined ? native.bytesToText(content) :
      createFile(native.copyBytes(content), flat[i + 2] ?? "text/plain", flat[i + 1]);
    ArrayPrototypePush(entries, { name: flat[i], value });
  }
  return formData;
}

internals.formData = { FormData, encodeMultipart, isFormData, parserFor };
internals.defineGlobal("FormData", FormData);
