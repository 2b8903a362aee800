// FileReader, FileReaderSync and ProgressEvent. https://w3c.github.io/FileAPI/#APIASynch
// https://xhr.spec.whatwg.org/#interface-progressevent
//
// A blob's bytes are all there, so a read is one progress event. Each event has a task of its own:
// a listener's microtasks then run before the next one, as where listeners are called by a host.

const {
  RegExpPrototypeExec, StringFromCharCode, TypedArrayPrototypeGetBuffer,
  TypedArrayPrototypeGetByteLength,
} = internals.primordials;
const {
  configureInterface, converters, createDictionaryConverter, createInterfaceConverter,
  defineConstants, requiredArguments,
} = internals.webidl;
const { defineGlobal, domException, load } = internals;
const { Event, EventTarget, defineHandler, fire } = internals.events;

load("web/blob.js");
const { bytesOf, isBlob, typeOf } = internals.blob;

const toProgressInit = createDictionaryConverter("ProgressEventInit", [
  { key: "lengthComputable", converter: converters.boolean, default: false },
  { key: "loaded", converter: converters.double, default: 0 },
  { key: "total", converter: converters.double, default: 0 }]);

class ProgressEvent extends Event {
  #init;

  constructor(type, eventInitDict = undefined) {
    const prefix = "Failed to construct 'ProgressEvent'";
    requiredArguments(arguments.length, 1, prefix);
    super(type, eventInitDict);
    this.#init = toProgressInit(eventInitDict, prefix, "argument 2");
  }

  get lengthComputable() {
    return this.#init.lengthComputable;
  }

  get loaded() {
    return this.#init.loaded;
  }

  get total() {
    return this.#init.total;
  }
}
configureInterface(ProgressEvent);

const toBlob = createInterfaceConverter("Blob", isBlob);
const kEmpty = 0, kLoading = 1, kDone = 2;

class FileReader extends EventTarget {
  #state = kEmpty;
  #result = null;
  #error = null;
  /** Of the read under way; an abort or another read makes the tasks of an earlier one idle. */
  #read = 0;

  constructor() {
    super();
  }

  readAsArrayBuffer(blob) {
    this.#start(blob, arguments.length, "readAsArrayBuffer",
      packageBuffer);
  }

  readAsBinaryString(blob) {
    this.#start(blob, arguments.length, "readAsBinaryString", binaryString);
  }

  readAsText(blob, encoding = undefined) {
    this.#state;
    const prefix = "Failed to execute 'readAsText' on 'FileReader'";
    requiredArguments(arguments.length, 1, prefix);
    toBlob(blob, prefix, "argument 1");
    const label = encoding === undefined ? undefined :
      converters.DOMString(encoding, prefix, "argument 2");
    this.#start(blob, 1, "readAsText", (bytes, type) => packageText(bytes, type, label));
  }

  readAsDataURL(blob) {
    this.#start(blob, arguments.length, "readAsDataURL", packageDataUrl);
  }

  abort() {
    this.#result = null;
    if (this.#state !== kLoading) return;
    this.#state = kDone;
    this.#read++;
    this.#fire("abort", 0);
    if (this.#state !== kLoading) this.#fire("loadend", 0);
  }

  get readyState() {
    return this.#state;
  }

  get result() {
    return this.#result;
  }

  get error() {
    return this.#error;
  }

  /** https://w3c.github.io/FileAPI/#readOperation */
  #start(value, given, method, pack) {
    this.#state;
    const prefix = `Failed to execute '${method}' on 'FileReader'`;
    requiredArguments(given, 1, prefix);
    const blob = toBlob(value, prefix, "argument 1");
    if (this.#state === kLoading) {
      throw domException("InvalidStateError", `${prefix}: the reader is busy reading.`);
    }
    this.#state = kLoading;
    this.#result = this.#error = null;
    const read = ++this.#read;
    const bytes = bytesOf(blob), type = typeOf(blob);
    const task = (run) => internals.timers.start(0, () => {
      if (this.#read === read) run();
    });
    const total = TypedArrayPrototypeGetByteLength(bytes);
    const end = () => {
      // Another read that a listener starts makes this one's loadend idle.
      task(() => this.#fire("loadend", this.#error === null ? total : 0));
      this.#end(bytes, type, pack);
    };
    task(() => {
      task(total === 0 ? end : () => {
        task(end);
        this.#fire("progress", total);
      });
      this.#fire("loadstart", 0);
    });
  }

  #end(bytes, type, pack) {
    this.#state = kDone;
    try {
      this.#result = pack(bytes, type);
    } catch (error) {
      this.#error = domException("NotReadableError", error.message);
      this.#fire("error", 0);
      return;
    }
    this.#fire("load", TypedArrayPrototypeGetByteLength(bytes));
  }

  #fire(type, loaded) {
    fire(this, new ProgressEvent(type,
      { __proto__: null, lengthComputable: loaded > 0, loaded, total: loaded }));
  }
}
defineConstants(FileReader, { EMPTY: kEmpty, LOADING: kLoading, DONE: kDone });
configureInterface(FileReader);
for (const type of ["loadstart", "progress", "load", "abort", "error", "loadend"]) {
  defineHandler(FileReader.prototype, type);
}

/** https://w3c.github.io/FileAPI/#FileReaderSync */
class FileReaderSync {
  #brand;

  constructor() {}

  readAsArrayBuffer(blob) {
    return this.#read(blob, arguments.length, "readAsArrayBuffer", packageBuffer);
  }

  readAsBinaryString(blob) {
    return this.#read(blob, arguments.length, "readAsBinaryString", binaryString);
  }

  readAsText(blob, encoding = undefined) {
    return this.#read(blob, arguments.length, "readAsText", (bytes, type, prefix) =>
      packageText(bytes, type, encoding === undefined ? undefined :
        converters.DOMString(encoding, prefix, "argument 2")));
  }

  readAsDataURL(blob) {
    return this.#read(blob, arguments.length, "readAsDataURL", packageDataUrl);
  }

  #read(value, given, method, pack) {
    this.#brand;
    const prefix = `Failed to execute '${method}' on 'FileReaderSync'`;
    requiredArguments(given, 1, prefix);
    const blob = toBlob(value, prefix, "argument 1");
    return pack(bytesOf(blob), typeOf(blob), prefix);
  }
}
configureInterface(FileReaderSync);

function packageBuffer(bytes) {
  return TypedArrayPrototypeGetBuffer(native.copyBytes(bytes));
}

function packageDataUrl(bytes, type) {
  return `data:${type === "" ? "application/octet-stream" : type};base64,` +
    native.toBase64(binaryString(bytes));
}

function binaryString(bytes) {
  let text = "";
  const length = TypedArrayPrototypeGetByteLength(bytes);
  for (let i = 0; i < length; i++) text += StringFromCharCode(bytes[i]);
  return text;
}

const charset = /;\s*charset\s*=\s*"?([^\s;"]+)/i;

/** https://w3c.github.io/FileAPI/#blob-package-data, of type Text */
function packageText(bytes, type, label) {
  const declared = RegExpPrototypeExec(charset, type);
  const decoder = decoderOf(markOf(bytes)) ?? decoderOf(label) ??
    decoderOf(declared === null ? undefined : declared[1]) ?? decoderOf("utf-8");
  return decoder.decode(bytes, false);
}

function decoderOf(label) {
  if (label === undefined) return undefined;
  try {
    return internals.encoding.makeDecoder(label, undefined, "FileReader");
  } catch {
    return undefined;
  }
}

function markOf(bytes) {
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return "utf-16be";
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return "utf-16le";
  if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) return "utf-8";
  return undefined;
}

defineGlobal("ProgressEvent", ProgressEvent);
defineGlobal("FileReader", FileReader);
defineGlobal("FileReaderSync", FileReaderSync);
