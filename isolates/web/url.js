// URL and URLSearchParams. https://url.spec.whatwg.org/#api
// Parsing is src/webapi/url.cc's: a href in its normal form, and where its components start.

const {
  ArrayPrototypePush, ArrayPrototypeSort, Int32Array, StringPrototypeSlice, TypeError,
} = internals.primordials;
const {
  configureInterface, converters, createRecordConverter, definePairIterable, isObject,
  iteratorMethod, requiredArguments, sequenceFrom, typeError,
} = internals.webidl;
const { defineGlobal, load } = internals;
const { USVString } = converters;

/** What native.parseUrl() and native.setUrlPart() fill: offsets into the href, -1 for absent. */
let components;
const kProtocolEnd = 0, kUsernameEnd = 1, kHostStart = 2, kHostEnd = 3, kPort = 4,
  kPathnameStart = 5, kSearchStart = 6, kHashStart = 7;
/** The parts that native.setUrlPart() knows by number. */
const kProtocol = 0, kUsername = 1, kPassword = 2, kHost = 3, kHostname = 4, kPortPart = 5,
  kPathname = 6, kSearch = 7, kHash = 8;

/** The href of `input`, its components left in `components`; undefined if it is not a URL. */
function parse(input, base) {
  components ??= new Int32Array(8);
  return native.parseUrl(input, base, components);
}

let listOf, adopt, urlChanged, setQuery;

// ---- URL ----------------------------------------------------------------------------------------

class URL {
  #href;
  #protocolEnd;
  #usernameEnd;
  #hostStart;
  #hostEnd;
  #port;
  #pathnameStart;
  #searchStart;
  #hashStart;
  #searchParams = null;

  constructor(url, base = undefined) {
    const prefix = "Failed to construct 'URL'";
    requiredArguments(arguments.length, 1, prefix);
    url = USVString(url, prefix, "argument 1");
    if (base !== undefined) base = USVString(base, prefix, "argument 2");
    const href = parse(url, base);
    if (href === undefined) throw new TypeError(`Invalid URL: '${url}'`);
    this.#take(href);
  }

  /** https://url.spec.whatwg.org/#dom-url-parse */
  static parse(url, base = undefined) {
    const prefix = "Failed to execute 'parse' on 'URL'";
    requiredArguments(arguments.length, 1, prefix);
    url = USVString(url, prefix, "argument 1");
    if (base !== undefined) base = USVString(base, prefix, "argument 2");
    return native.canParseUrl(url, base) ? new URL(url, base) : null;
  }

  /** https://url.spec.whatwg.org/#dom-url-canparse */
  static canParse(url, base = undefined) {
    const prefix = "Failed to execute 'canParse' on 'URL'";
    requiredArguments(arguments.length, 1, prefix);
    url = USVString(url, prefix, "argument 1");
    if (base !== undefined) base = USVString(base, prefix, "argument 2");
    return native.canParseUrl(url, base);
  }

  /** https://w3c.github.io/FileAPI/#dfn-createObjectURL */
  static createObjectURL(obj) {
    const prefix = "Failed to execute 'createObjectURL' on 'URL'";
    requiredArguments(arguments.length, 1, prefix);
    load("web/local_fetch.js");
    return internals.localFetch.createUrl(obj, prefix);
  }

  /** https://w3c.github.io/FileAPI/#dfn-revokeObjectURL */
  static revokeObjectURL(url) {
    const prefix = "Failed to execute 'revokeObjectURL' on 'URL'";
    requiredArguments(arguments.length, 1, prefix);
    url = converters.DOMString(url, prefix, "argument 1");
    load("web/local_fetch.js");
    internals.localFetch.revokeUrl(url);
  }

  #take(href) {
    this.#href = href;
    this.#protocolEnd = components[kProtocolEnd];
    this.#usernameEnd = components[kUsernameEnd];
    this.#hostStart = components[kHostStart];
    this.#hostEnd = components[kHostEnd];
    this.#port = components[kPort];
    this.#pathnameStart = components[kPathnameStart];
    this.#searchStart = components[kSearchStart];
    this.#hashStart = components[kHashStart];
  }

  #set(part, value, name) {
    value = USVString(value, `Failed to set '${name}' on 'URL'`, "the value");
    components ??= new Int32Array(8);
    this.#take(native.setUrlPart(this.#href, part, value, components));
    if (part === kSearch) this.#refreshParams();
  }

  #refreshParams() {
    if (this.#searchParams !== null) urlChanged(this.#searchParams, this.search);
  }

  get href() {
    return this.#href;
  }
  set href(value) {
    value = USVString(value, "Failed to set 'href' on 'URL'", "the value");
    this.#href;  // The brand check.
    const href = parse(value, undefined);
    if (href === undefined) throw new TypeError(`Invalid URL: '${value}'`);
    this.#take(href);
    this.#refreshParams();
  }

  get origin() {
    const protocol = StringPrototypeSlice(this.#href, 0, this.#protocolEnd);
    if (protocol === "https:" || protocol === "http:" || protocol === "wss:" ||
        protocol === "ws:" || protocol === "ftp:") {
      return `${protocol}//${this.#hostText()}`;
    }
    return protocol === "blob:" ? native.urlOrigin(this.#href) : "null";
  }

  get protocol() {
    return StringPrototypeSlice(this.#href, 0, this.#protocolEnd);
  }
  set protocol(value) {
    this.#set(kProtocol, value, "protocol");
  }

  get username() {
    const start = this.#protocolEnd + 2;
    return start < this.#usernameEnd
      ? StringPrototypeSlice(this.#href, start, this.#usernameEnd) : "";
  }
  set username(value) {
    this.#set(kUsername, value, "username");
  }

  get password() {
    return this.#hostStart > this.#usernameEnd
      ? StringPrototypeSlice(this.#href, this.#usernameEnd + 1, this.#hostStart) : "";
  }
  set password(value) {
    this.#set(kPassword, value, "password");
  }

  /** Where the host's own text starts: credentials end with an "@". */
  #hostTextStart() {
    const start = this.#hostStart;
    return start < this.#href.length && this.#href[start] === "@" ? start + 1 : start;
  }

  #hostText() {
    const start = this.#hostTextStart();
    // A path that starts with "//" has "/." in front of it, which belongs to neither.
    if (start >= this.#hostEnd) return "";
    return StringPrototypeSlice(this.#href, start, this.#pathnameStart);
  }

  get host() {
    return this.#hostText();
  }
  set host(value) {
    this.#set(kHost, value, "host");
  }

  get hostname() {
    return StringPrototypeSlice(this.#href, this.#hostTextStart(), this.#hostEnd);
  }
  set hostname(value) {
    this.#set(kHostname, value, "hostname");
  }

  get port() {
    return this.#port === -1 ? "" : `${this.#port}`;
  }
  set port(value) {
    this.#set(kPortPart, value, "port");
  }

  get pathname() {
    const end = this.#searchStart !== -1 ? this.#searchStart
      : this.#hashStart !== -1 ? this.#hashStart : this.#href.length;
    return StringPrototypeSlice(this.#href, this.#pathnameStart, end);
  }
  set pathname(value) {
    this.#set(kPathname, value, "pathname");
  }

  get search() {
    if (this.#searchStart === -1) return "";
    const end = this.#hashStart !== -1 ? this.#hashStart : this.#href.length;
    return end - this.#searchStart <= 1
      ? "" : StringPrototypeSlice(this.#href, this.#searchStart, end);
  }
  set search(value) {
    this.#set(kSearch, value, "search");
  }

  get searchParams() {
    return (this.#searchParams ??= adopt(this, this.search));
  }

  get hash() {
    return this.#hashStart === -1 || this.#href.length - this.#hashStart <= 1
      ? "" : StringPrototypeSlice(this.#href, this.#hashStart);
  }
  set hash(value) {
    this.#set(kHash, value, "hash");
  }

  toString() {
    return this.#href;
  }

  toJSON() {
    return this.#href;
  }

  static {
    setQuery = (url, query) => {
      components ??= new Int32Array(8);
      url.#take(native.setUrlPart(url.#href, kSearch, query, components));
    };
  }
}
configureInterface(URL);

// ---- URLSearchParams ----------------------------------------------------------------------------

const toRecord = createRecordConverter(USVString, USVString);

function toPair(value, prefix, argument) {
  if (!isObject(value)) throw typeError(prefix, argument, "is not a pair.");
  const method = iteratorMethod(value, prefix, argument);
  if (method === undefined) throw typeError(prefix, argument, "is not a pair.");
  const pair = sequenceFrom(value, method, USVString, prefix, argument);
  if (pair.length !== 2) throw typeError(prefix, argument, "does not have exactly two items.");
  return pair;
}

function flatten(pairs) {
  const list = [];
  for (let i = 0; i < pairs.length; i++) ArrayPrototypePush(list, pairs[i][0], pairs[i][1]);
  return list;
}

/** https://url.spec.whatwg.org/#urlsearchparams-initialize */
function listFrom(init, prefix) {
  if (isObject(init)) {
    const method = iteratorMethod(init, prefix, "argument 1");
    if (method !== undefined) {
      return flatten(sequenceFrom(init, method, toPair, prefix, "argument 1"));
    }
    return flatten(toRecord(init, prefix, "argument 1"));
  }
  return parseQuery(USVString(init, prefix, "argument 1"));
}

/** A query with or without its question mark. */
function parseQuery(text) {
  if (text === "") return [];
  return native.parseForm(text[0] === "?" ? StringPrototypeSlice(text, 1) : text);
}

class URLSearchParams {
  /** name, value, name, value ... */
  #list;
  #url = null;

  constructor(init = "") {
    this.#list = listFrom(init, "Failed to construct 'URLSearchParams'");
  }

  #update() {
    if (this.#url !== null) setQuery(this.#url, native.serializeForm(this.#list));
  }

  get size() {
    return this.#list.length / 2;
  }

  append(name, value) {
    const list = this.#list;
    const prefix = "Failed to execute 'append' on 'URLSearchParams'";
    requiredArguments(arguments.length, 2, prefix);
    name = USVString(name, prefix, "argument 1");
    value = USVString(value, prefix, "argument 2");
    ArrayPrototypePush(list, name, value);
    this.#update();
  }

  delete(name, value = undefined) {
    const prefix = "Failed to execute 'delete' on 'URLSearchParams'";
    this.#list;
    requiredArguments(arguments.length, 1, prefix);
    name = USVString(name, prefix, "argument 1");
    if (value !== undefined) value = USVString(value, prefix, "argument 2");
    const list = this.#list;
    const kept = [];
    for (let i = 0; i < list.length; i += 2) {
      if (list[i] === name && (value === undefined || list[i + 1] === value)) continue;
      ArrayPrototypePush(kept, list[i], list[i + 1]);
    }
    this.#list = kept;
    this.#update();
  }

  get(name) {
    const prefix = "Failed to execute 'get' on 'URLSearchParams'";
    this.#list;
    requiredArguments(arguments.length, 1, prefix);
    name = USVString(name, prefix, "argument 1");
    const list = this.#list;
    for (let i = 0; i < list.length; i += 2) {
      if (list[i] === name) return list[i + 1];
    }
    return null;
  }

  getAll(name) {
    const prefix = "Failed to execute 'getAll' on 'URLSearchParams'";
    this.#list;
    requiredArguments(arguments.length, 1, prefix);
    name = USVString(name, prefix, "argument 1");
    const list = this.#list;
    const values = [];
    for (let i = 0; i < list.length; i += 2) {
      if (list[i] === name) ArrayPrototypePush(values, list[i + 1]);
    }
    return values;
  }

  has(name, value = undefined) {
    const prefix = "Failed to execute 'has' on 'URLSearchParams'";
    this.#list;
    requiredArguments(arguments.length, 1, prefix);
    name = USVString(name, prefix, "argument 1");
    if (value !== undefined) value = USVString(value, prefix, "argument 2");
    const list = this.#list;
    for (let i = 0; i < list.length; i += 2) {
      if (list[i] === name && (value === undefined || list[i + 1] === value)) return true;
    }
    return false;
  }

  set(name, value) {
    const prefix = "Failed to execute 'set' on 'URLSearchParams'";
    this.#list;
    requiredArguments(arguments.length, 2, prefix);
    name = USVString(name, prefix, "argument 1");
    value = USVString(value, prefix, "argument 2");
    const list = this.#list;
    const kept = [];
    let found = false;
    for (let i = 0; i < list.length; i += 2) {
      if (list[i] !== name) {
        ArrayPrototypePush(kept, list[i], list[i + 1]);
      } else if (!found) {
        found = true;
        ArrayPrototypePush(kept, name, value);
      }
    }
    if (!found) ArrayPrototypePush(kept, name, value);
    this.#list = kept;
    this.#update();
  }

  /** By the names' code units; pairs of one name keep their order. */
  sort() {
    const list = this.#list;
    const pairs = [];
    for (let i = 0; i < list.length; i += 2) ArrayPrototypePush(pairs, [list[i], list[i + 1]]);
    ArrayPrototypeSort(pairs, (a, b) => (a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0));
    this.#list = flatten(pairs);
    this.#update();
  }

  toString() {
    return native.serializeForm(this.#list);
  }

  static {
    listOf = (params) => params.#list;
    adopt = (url, query) => {
      const params = new URLSearchParams(query);
      params.#url = url;
      return params;
    };
    urlChanged = (params, query) => {
      params.#list = parseQuery(query);
    };
    this.isInstance = (value) => isObject(value) && #list in value;
  }
}
const isURLSearchParams = URLSearchParams.isInstance;
delete URLSearchParams.isInstance;
configureInterface(URLSearchParams);
definePairIterable(URLSearchParams, "URLSearchParams", listOf, {
  count: (params) => listOf(params).length / 2,
  keyAt: (params, index) => listOf(params)[index * 2],
  valueAt: (params, index) => listOf(params)[index * 2 + 1],
});

defineGlobal("URL", URL);
defineGlobal("URLSearchParams", URLSearchParams);

internals.url = {
  isURLSearchParams,
  serializeSearchParams: (params) => native.serializeForm(listOf(params)),
  /** [name, value, name, value ...] of form-encoded text. */
  parseForm: (text) => native.parseForm(text),
  /** The URL in its normal form, or undefined. Strings must be well-formed. */
  parseHref: (url, base) => parse(url, base),
};
