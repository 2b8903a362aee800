// Headers. https://fetch.spec.whatwg.org/#headers-class

const {
  ArrayPrototypePush, ArrayPrototypeSort, MapPrototypeGet, MapPrototypeSet,
  ReflectGetOwnPropertyDescriptor, ReflectOwnKeys, TypeError,
} = internals.primordials;
const {
  configureInterface, converters, definePairIterable, isObject, iterate, iteratorMethod,
  requiredArguments,
} = internals.webidl;

// ---- names and values ---------------------------------------------------------------------------

/** Lower-case forms of the names nearly every script uses: saves the call into the host. */
const knownNames = new Map();
for (const name of [
  "Accept", "Accept-Encoding", "Accept-Language", "Access-Control-Allow-Credentials",
  "Access-Control-Allow-Headers", "Access-Control-Allow-Methods", "Access-Control-Allow-Origin",
  "Access-Control-Expose-Headers", "Access-Control-Max-Age", "Authorization", "Cache-Control",
  "Connection", "Content-Disposition", "Content-Encoding", "Content-Language", "Content-Length",
  "Content-Security-Policy", "Content-Type", "Cookie", "Date", "ETag", "Expires", "Host",
  "If-Modified-Since", "If-None-Match", "Last-Modified", "Link", "Location", "Origin", "Range",
  "Referer", "Set-Cookie", "Strict-Transport-Security", "Upgrade", "User-Agent", "Vary",
  "X-Content-Type-Options", "X-Forwarded-For", "X-Forwarded-Proto", "X-Frame-Options",
  "X-Powered-By", "X-Real-IP", "X-Request-ID", "X-Response-Time"]) {
  MapPrototypeSet(knownNames, name, name.toLowerCase());
  MapPrototypeSet(knownNames, name.toLowerCase(), name.toLowerCase());
}

/** The lower-case form of a header name; throws a TypeError if it is none. */
function normalizeName(name, prefix) {
  const known = MapPrototypeGet(knownNames, name);
  if (known !== undefined) return known;
  const text = converters.DOMString(name, prefix, "argument 1");
  const lower = native.headerName(text);
  if (lower === undefined) throw new TypeError(`${prefix}: '${text}' is not a valid header name.`);
  return lower;
}

/** A header value without surrounding blanks; throws a TypeError if it is none. */
function normalizeValue(value, prefix) {
  const text = typeof value === "string" ? value :
    converters.DOMString(value, prefix, "argument 2");
  const normal = native.headerValue(text);
  if (normal === undefined) {
    throw new TypeError(`${prefix}: the header value contains a NUL, CR or LF, or a character ` +
      "above 255. Encode it, for example with encodeURIComponent().");
  }
  return normal;
}

// ---- the list -----------------------------------------------------------------------------------

/**
 * Names (lower-case) and values in the order given. A request's list stays with the host until
 * something needs all of it: `source` is then the Invocation whose request it is.
 * https://fetch.spec.whatwg.org/#concept-header-list
 */
class HeaderList {
  names = [];
  values = [];
  source = null;
  /** The sorted and combined form, until the list next changes: [name, value, name, value, ...]. */
  sorted = null;
}

function loadList(list) {
  const source = list.source;
  if (source === null) return;
  const flat = native.requestHeaders(requestSlot(source));
  list.source = null;
  for (let i = 0; i < flat.length; i += 2) listAppend(list, flat[i], flat[i + 1]);
}

/** The slot of the invocation a request came with, while the host still has its head. */
function requestSlot(invocation) {
  if (!invocation.open) {
    throw new TypeError("This request has ended, and its parts went with it. Read what you need " +
      "of a request while you handle it.");
  }
  return invocation.slot;
}

/** A list that the host holds for an invocation's request. */
function listOfRequest(invocation) {
  const list = new HeaderList();
  list.source = invocation;
  return list;
}

/** Of [name, value, ...], names in lower case. */
function listOfFlat(flat) {
  const list = new HeaderList();
  for (let i = 0; i < flat.length; i += 2) listAppend(list, flat[i], flat[i + 1]);
  return list;
}

function copyList(list) {
  const copy = new HeaderList();
  if (list.source !== null) {
    copy.source = list.source;
    return copy;
  }
  for (let i = 0; i < list.names.length; i++) listAppend(copy, list.names[i], list.values[i]);
  return copy;
}

function listAppend(list, name, value) {
  if (list.source !== null) loadList(list);
  ArrayPrototypePush(list.names, name);
  ArrayPrototypePush(list.values, value);
  list.sorted = null;
}

/** The values of a name, combined; null if there is none. */
function listGet(list, name) {
  if (list.source !== null) return native.requestHeader(requestSlot(list.source), name);
  const { names, values } = list;
  let found = null;
  for (let i = 0; i < names.length; i++) {
    if (names[i] !== name) continue;
    found = found === null ? values[i] : found + ", " + values[i];
  }
  return found;
}

function listHas(list, name) {
  return listGet(list, name) !== null;
}

function listDelete(list, name) {
  if (list.source !== null) loadList(list);
  const { names, values } = list;
  let kept = 0;
  for (let i = 0; i < names.length; i++) {
    if (names[i] === name) continue;
    names[kept] = names[i];
    values[kept++] = values[i];
  }
  names.length = values.length = kept;
  list.sorted = null;
}

/** Replaces the first of that name, and removes the others. */
function listSet(list, name, value) {
  if (list.source !== null) loadList(list);
  const { names, values } = list;
  for (let i = 0; i < names.length; i++) {
    if (names[i] !== name) continue;
    let kept = i + 1;
    for (let j = i + 1; j < names.length; j++) {
      if (names[j] === name) continue;
      names[kept] = names[j];
      values[kept++] = values[j];
    }
    names.length = values.length = kept;
    values[i] = value;
    list.sorted = null;
    return;
  }
  listAppend(list, name, value);
}

/** As the host takes it: [name, value, ...]. */
function listFlat(list) {
  if (list.source !== null) loadList(list);
  const flat = [];
  for (let i = 0; i < list.names.length; i++) {
    ArrayPrototypePush(flat, list.names[i], list.values[i]);
  }
  return flat;
}

function allValues(list, name) {
  if (list.source !== null) loadList(list);
  const found = [];
  for (let i = 0; i < list.names.length; i++) {
    if (list.names[i] === name) ArrayPrototypePush(found, list.values[i]);
  }
  return found;
}

/** https://fetch.spec.whatwg.org/#concept-header-list-sort-and-combine */
function sortAndCombine(list) {
  if (list.source !== null) loadList(list);
  if (list.sorted !== null) return list.sorted;
  const seen = new Map();
  const unique = [];
  for (let i = 0; i < list.names.length; i++) {
    const name = list.names[i];
    if (MapPrototypeGet(seen, name) !== undefined) continue;
    MapPrototypeSet(seen, name, true);
    ArrayPrototypePush(unique, name);
  }
  ArrayPrototypeSort(unique, (a, b) => (a < b ? -1 : 1));
  const sorted = [];
  for (let i = 0; i < unique.length; i++) {
    const name = unique[i];
    if (name === "set-cookie") {
      const cookies = allValues(list, name);
      for (let j = 0; j < cookies.length; j++) ArrayPrototypePush(sorted, name, cookies[j]);
    } else {
      ArrayPrototypePush(sorted, name, listGet(list, name));
    }
  }
  list.sorted = sorted;
  return sorted;
}

// ---- the class ----------------------------------------------------------------------------------

const kGuardNone = 0, kGuardImmutable = 1, kGuardNoCors = 2;

function noCors() {
  internals.load("web/no_cors.js");
  return internals.noCors;
}

/** Marks a call of the constructor that adopts a list. */
const kAdopt = Symbol("adopt");

class Headers {
  #list;
  #guard;

  /** undefined constructor(optional HeadersInit init); */
  constructor(init = undefined, list = undefined, guard = kGuardNone) {
    if (init === kAdopt) {
      this.#list = list;
      this.#guard = guard;
      return;
    }
    this.#list = new HeaderList();
    this.#guard = kGuardNone;
    if (init !== undefined) fillList(this.#list, init, "Failed to construct 'Headers'");
  }

  static is(value) {
    return typeof value === "object" && value !== null && #list in value;
  }

  static listOf(headers) {
    return headers.#list;
  }

  append(name, value) {
    const prefix = "Failed to execute 'append' on 'Headers'";
    const list = this.#list;
    requiredArguments(arguments.length, 2, prefix);
    const lower = normalizeName(name, prefix);
    const normal = normalizeValue(value, prefix);
    this.#checkMutable(prefix);
    if (this.#guard === kGuardNoCors && !noCors().allowsMore(list, lower, normal)) return;
    listAppend(list, lower, normal);
  }

  delete(name) {
    const prefix = "Failed to execute 'delete' on 'Headers'";
    const list = this.#list;
    requiredArguments(arguments.length, 1, prefix);
    const lower = normalizeName(name, prefix);
    this.#checkMutable(prefix);
    if (this.#guard === kGuardNoCors && !noCors().allowsName(lower)) return;
    listDelete(list, lower);
  }

  get(name) {
    const prefix = "Failed to execute 'get' on 'Headers'";
    const list = this.#list;
    requiredArguments(arguments.length, 1, prefix);
    return listGet(list, normalizeName(name, prefix));
  }

  has(name) {
    const prefix = "Failed to execute 'has' on 'Headers'";
    const list = this.#list;
    requiredArguments(arguments.length, 1, prefix);
    return listHas(list, normalizeName(name, prefix));
  }

  set(name, value) {
    const prefix = "Failed to execute 'set' on 'Headers'";
    const list = this.#list;
    requiredArguments(arguments.length, 2, prefix);
    const lower = normalizeName(name, prefix);
    const normal = normalizeValue(value, prefix);
    this.#checkMutable(prefix);
    if (this.#guard === kGuardNoCors && !noCors().allows(lower, normal)) return;
    listSet(list, lower, normal);
  }

  getSetCookie() {
    return allValues(this.#list, "set-cookie");
  }

  /** Workers' own, older than getSetCookie(). */
  getAll(name) {
    const prefix = "Failed to execute 'getAll' on 'Headers'";
    const list = this.#list;
    requiredArguments(arguments.length, 1, prefix);
    if (normalizeName(name, prefix) !== "set-cookie") {
      throw new TypeError("getAll() can only be used with the header name \"Set-Cookie\".");
    }
    return allValues(list, "set-cookie");
  }

  #checkMutable(prefix) {
    if (this.#guard === kGuardImmutable) {
      throw new TypeError("Can't modify immutable headers. Copy them first: new Headers(headers).");
    }
  }
}
const { is: isHeaders, listOf } = Headers;
delete Headers.is;
delete Headers.listOf;

definePairIterable(Headers, "Headers", listOf, {
  count: (headers) => sortAndCombine(listOf(headers)).length / 2,
  keyAt: (headers, index) => sortAndCombine(listOf(headers))[2 * index],
  valueAt: (headers, index) => sortAndCombine(listOf(headers))[2 * index + 1],
});
configureInterface(Headers);
const originalIterator = Headers.prototype[Symbol.iterator];

/** https://fetch.spec.whatwg.org/#concept-headers-fill, for HeadersInit of any form. */
function fillList(list, init, prefix) {
  if (!isObject(init)) {
    throw new TypeError(`${prefix}: the headers must be a Headers, an array of [name, value] ` +
      "pairs, or an object.");
  }
  const method = iteratorMethod(init, prefix, "argument 1");
  if (method === originalIterator && isHeaders(init)) {
    const source = listOf(init);
    loadList(source);
    for (let i = 0; i < source.names.length; i++) {
      listAppend(list, source.names[i], source.values[i]);
    }
  } else if (method !== undefined) {
    iterate(init, method, (pair) => appendPair(list, pair, prefix));
  } else {
    fillFromRecord(list, init, prefix);
  }
}

function appendPair(list, pair, prefix) {
  if (!isObject(pair)) throw new TypeError(`${prefix}: a header must be a [name, value] pair.`);
  const method = iteratorMethod(pair, prefix, "argument 1");
  if (method === undefined) {
    throw new TypeError(`${prefix}: a header must be a [name, value] pair.`);
  }
  const parts = [];
  iterate(pair, method, (part) => {
    ArrayPrototypePush(parts, converters.DOMString(part, prefix, "a header's name or value"));
  });
  if (parts.length !== 2) {
    throw new TypeError(`${prefix}: a header must be a [name, value] pair, not ${parts.length} ` +
      "values.");
  }
  listAppend(list, normalizeName(parts[0], prefix), normalizeValue(parts[1], prefix));
}

function fillFromRecord(list, record, prefix) {
  const keys = ReflectOwnKeys(record);
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i];
    const descriptor = ReflectGetOwnPropertyDescriptor(record, key);
    if (descriptor === undefined || !descriptor.enumerable) continue;
    const name = normalizeName(key, prefix);
    listAppend(list, name, normalizeValue(record[key], prefix));
  }
}

internals.headers = {
  HeaderList, Headers, allValues, copyList, fillList, isHeaders, listAppend, listDelete, listFlat,
  listGet, listHas, listOf, listOfFlat, listOfRequest, listSet, requestSlot,
  /** A Headers object around a list; the list is shared, not copied. */
  wrap: (list, immutable) => new Headers(kAdopt, list, immutable ? kGuardImmutable : kGuardNone),
  /** As wrap(), for what a request with mode "no-cors" lets be said. */
  wrapNoCors: (list) => new Headers(kAdopt, list, kGuardNoCors),
};
internals.defineGlobal("Headers", Headers);
