// KV namespaces, as a binding's value. https://developers.cloudflare.com/kv/api/

const {
  ArrayBufferIsView, ArrayIsArray, ArrayPrototypePush, DateNow, Error, JSONParse, JSONStringify,
  Map, MapPrototypeSet, MathFloor, Number, NumberIsInteger, TypeError,
  TypedArrayPrototypeGetByteLength,
} = internals.primordials;
const {
  configureInterface, converters, illegalConstructor, isArrayBuffer, isObject, requiredArguments,
} = internals.webidl;
const {
  checkSubrequest, currentInvocation, startOp, kTakeText, kTakeBuffer, kTakeBytes, kTakeJson,
} = internals.kernel;
const streams = internals.bodyStreams;

const kKeyBytesMax = 512;
const kValueBytesMax = 25 * 1024 * 1024;
const kMetadataBytesMax = 1024;
const kTtlSecondsMin = 60;
const kCacheTtlSecondsMin = 30;
const kListMax = 1000;
const kBulkMax = 100;

// ---- checks, with the texts that Workers users know ---------------------------------------------

function kvError(method, status, text) {
  return new Error(`KV ${method} failed: ${status} ${text}`);
}

function utf8Length(text) {
  return text.length === 0 ? 0 : TypedArrayPrototypeGetByteLength(native.textToBytes(text));
}

function checkLength(method, text) {
  if (text.length * 3 <= kKeyBytesMax) return;
  const length = utf8Length(text);
  if (length > kKeyBytesMax) {
    throw kvError(method, 414,
      `UTF-8 encoded length of ${length} exceeds key length limit of ${kKeyBytesMax}.`);
  }
}

function toKey(method, value) {
  const key = converters.USVString(value, `Failed to execute '${method}' on 'KvNamespace'`, "key");
  if (key === "") throw new TypeError("Key name cannot be empty.");
  if (key === "." || key === "..") throw new TypeError(`"${key}" is not allowed as a key name.`);
  checkLength(method, key);
  return key;
}

/** `type` of get()'s second argument, which is a type or an options object. */
function toType(options) {
  let type = options;
  if (isObject(options)) {
    type = options.type;
    const { cacheTtl } = options;
    if (cacheTtl !== undefined && cacheTtl !== null && !(Number(cacheTtl) >= kCacheTtlSecondsMin)) {
      throw kvError("GET", 400,
        `Invalid cache_ttl of ${cacheTtl}. Cache TTL must be at least ${kCacheTtlSecondsMin}.`);
    }
  }
  if (type === undefined || type === null) return "text";
  if (type !== "text" && type !== "json" && type !== "arrayBuffer" && type !== "stream") {
    throw new TypeError("Unknown response type. Possible types are \"text\", \"arrayBuffer\", " +
      "\"json\", and \"stream\".");
  }
  return type;
}

function toTake(type) {
  switch (type) {
    case "json": return kTakeJson;
    case "arrayBuffer": return kTakeBuffer;
    case "stream": return kTakeBytes;
    default: return kTakeText;
  }
}

/** Unix seconds, or undefined for ever. */
function toExpiration({ expiration, expirationTtl }) {
  const now = MathFloor(DateNow() / 1000);
  if (expirationTtl !== undefined && expirationTtl !== null) {
    const ttl = Number(expirationTtl);
    if (!NumberIsInteger(ttl) || ttl <= 0) {
      throw kvError("PUT", 400,
        `Invalid expiration_ttl of ${expirationTtl}. Please specify integer greater than 0.`);
    }
    if (ttl < kTtlSecondsMin) {
      throw kvError("PUT", 400, `Invalid expiration_ttl of ${expirationTtl}. Expiration TTL must ` +
        `be at least ${kTtlSecondsMin}.`);
    }
    return now + ttl;
  }
  if (expiration === undefined || expiration === null) return undefined;
  const time = Number(expiration);
  if (!NumberIsInteger(time) || time <= now) {
    throw kvError("PUT", 400, `Invalid expiration of ${expiration}. Please specify integer ` +
      "greater than the current number of seconds since the UNIX epoch.");
  }
  if (time < now + kTtlSecondsMin) {
    throw kvError("PUT", 400, `Invalid expiration of ${expiration}. Expiration times must be at ` +
      `least ${kTtlSecondsMin} seconds in the future.`);
  }
  return time;
}

/** JSON text, or undefined for none. */
function toMetadata({ metadata }) {
  if (metadata === undefined || metadata === null) return undefined;
  const text = JSONStringify(metadata);
  if (text === undefined) throw new TypeError("KV metadata must be a value that JSON can hold.");
  const length = utf8Length(text);
  if (length > kMetadataBytesMax) {
    throw kvError("PUT", 413,
      `Metadata length of ${length} exceeds limit of ${kMetadataBytesMax}.`);
  }
  return text;
}

/** A string or bytes; a promise of them for a stream. */
function toValue(value) {
  if (typeof value === "string" || ArrayBufferIsView(value) || isArrayBuffer(value)) return value;
  if (streams.isReadableStream(value)) {
    return internals.body.consume(internals.body.extractBody(value), kTakeBytes);
  }
  throw new TypeError("KV put() accepts only strings, ArrayBuffers, ArrayBufferViews, and " +
    "ReadableStreams as values.");
}

/** About how many bytes the value has: exact where that matters. */
function checkedLength(value) {
  let length;
  if (typeof value !== "string") length = TypedArrayPrototypeGetByteLength(native.viewBytes(value));
  else if (value.length * 3 <= kValueBytesMax) return value.length;
  else length = utf8Length(value);
  if (length > kValueBytesMax) {
    throw kvError("PUT", 413, `Value length of ${length} exceeds limit of ${kValueBytesMax}.`);
  }
  return length;
}

// ---- questions to the host ----------------------------------------------------------------------

function newOp(method, bytes = 0) {
  const invocation = currentInvocation();
  checkSubrequest(invocation, bytes);
  const op = startOp(invocation, bytes);
  op.makeError = (code, detail) => {
    if (detail.startsWith("KV ")) return new Error(detail);
    return kvError(method, code === "unavailable" || code === "timeout" ? 503 :
      code === "overloaded" ? 429 : code === "invalid_argument" ? 400 :
      code === "too_large" ? 413 : 500, detail);
  };
  return op;
}

/** {value, metadata}; null if there is no such key. */
function ask(id, key, take) {
  const op = newOp("GET");
  op.makeValue = (hasBytes, metadata) => hasBytes ? {
    value: native.takeBytes(take), metadata: metadata === null ? null : JSONParse(metadata),
  } : null;
  native.kvGet(op.id, op.invocation.slot, id, key);
  return op.promise;
}

function finish(value, type) {
  if (type !== "stream") return value;
  return streams.createBytes({
    pull(sink) {
      if (TypedArrayPrototypeGetByteLength(value) > 0) sink.chunk(value);
      sink.end();
    },
    cancel() {},
  });
}

async function getBulk(id, names, options, withMetadata) {
  const type = toType(options);
  if (type !== "text" && type !== "json") {
    throw kvError("GET_BULK", 400, `"${type}" is not a valid type. Use "json" or "text"`);
  }
  if (names.length > kBulkMax) {
    throw kvError("GET_BULK", 400, `You can request a maximum of ${kBulkMax} keys`);
  }
  if (names.length === 0) throw kvError("GET_BULK", 400, "You must request a minimum of 1 key");
  const keys = [], answers = [];
  for (let i = 0; i < names.length; i++) ArrayPrototypePush(keys, toKey("GET_BULK", names[i]));
  for (let i = 0; i < keys.length; i++) ArrayPrototypePush(answers, ask(id, keys[i], kTakeText));
  const result = new Map();
  let total = 0;
  for (let i = 0; i < keys.length; i++) {
    const entry = await answers[i];
    if (entry !== null) {
      total += entry.value.length;
      if (total > kValueBytesMax) {
        throw kvError("GET_BULK", 413, "Total size of request exceeds the limit of 25MB");
      }
    }
    const value = entry === null ? null : type === "json" ? JSONParse(entry.value) : entry.value;
    MapPrototypeSet(result, keys[i],
      withMetadata ? { value, metadata: entry === null ? null : entry.metadata } : value);
  }
  return result;
}

function makeListing(hasBytes, flat, cursor) {
  const keys = [];
  for (let i = 0; i < flat.length; i += 3) {
    const key = { name: flat[i] };
    if (flat[i + 1] !== undefined) key.expiration = flat[i + 1];
    if (flat[i + 2] !== null) key.metadata = JSONParse(flat[i + 2]);
    ArrayPrototypePush(keys, key);
  }
  const result = { list_complete: cursor === null, keys };
  if (cursor !== null) result.cursor = cursor;
  result.cacheStatus = null;
  return result;
}

// ---- the class ----------------------------------------------------------------------------------

const kCreate = Symbol("create");

class KvNamespace {
  #id;

  constructor(token, id) {
    if (token !== kCreate) throw illegalConstructor();
    this.#id = id;
  }

  async get(key, options = undefined) {
    const id = this.#id;
    requiredArguments(arguments.length, 1, "Failed to execute 'get' on 'KvNamespace'");
    if (ArrayIsArray(key)) return getBulk(id, key, options, false);
    const name = toKey("GET", key);
    const type = toType(options);
    const entry = await ask(id, name, toTake(type));
    return entry === null ? null : finish(entry.value, type);
  }

  async getWithMetadata(key, options = undefined) {
    const id = this.#id;
    requiredArguments(arguments.length, 1, "Failed to execute 'getWithMetadata' on 'KvNamespace'");
    if (ArrayIsArray(key)) return getBulk(id, key, options, true);
    const name = toKey("GET", key);
    const type = toType(options);
    const entry = await ask(id, name, toTake(type));
    if (entry === null) return { value: null, metadata: null, cacheStatus: null };
    return { value: finish(entry.value, type), metadata: entry.metadata, cacheStatus: null };
  }

  async put(key, value, options = undefined) {
    const id = this.#id;
    requiredArguments(arguments.length, 2, "Failed to execute 'put' on 'KvNamespace'");
    const name = toKey("PUT", key);
    const settings = isObject(options) ? options : {};
    const expiration = toExpiration(settings);
    const metadata = toMetadata(settings);
    let content = toValue(value);
    if (isObject(content) && !ArrayBufferIsView(content) && !isArrayBuffer(content)) {
      content = await content;
    }
    const op = newOp("PUT", checkedLength(content));
    native.kvPut(op.id, op.invocation.slot, id, name, content, expiration, metadata);
    await op.promise;
  }

  async list(options = undefined) {
    const id = this.#id;
    const { prefix, limit, cursor } = isObject(options) ? options : {};
    const count = limit === undefined || limit === null ? kListMax : Number(limit);
    if (!NumberIsInteger(count) || count < 1) {
      throw kvError("GET", 400,
        `Invalid key_count_limit of ${limit}. Please specify an integer greater than 0.`);
    }
    if (count > kListMax) {
      throw kvError("GET", 400, `Invalid key_count_limit of ${limit}. Please specify an integer ` +
        `less than ${kListMax}.`);
    }
    const start = prefix === undefined || prefix === null ? "" : converters.USVString(prefix);
    checkLength("GET", start);
    const from = cursor === undefined || cursor === null || cursor === "" ? undefined :
      converters.USVString(cursor);
    const op = newOp("GET");
    op.makeValue = makeListing;
    native.kvList(op.id, op.invocation.slot, id, start, count, from);
    return op.promise;
  }

  async delete(key) {
    const id = this.#id;
    requiredArguments(arguments.length, 1, "Failed to execute 'delete' on 'KvNamespace'");
    const keys = [];
    if (ArrayIsArray(key)) {
      if (key.length > kBulkMax) {
        throw kvError("DELETE", 400, `You can delete a maximum of ${kBulkMax} keys`);
      }
      for (let i = 0; i < key.length; i++) ArrayPrototypePush(keys, toKey("DELETE", key[i]));
      if (keys.length === 0) return;
    } else {
      ArrayPrototypePush(keys, toKey("DELETE", key));
    }
    const op = newOp("DELETE");
    native.kvDelete(op.id, op.invocation.slot, id, keys);
    await op.promise;
  }
}
configureInterface(KvNamespace);

internals.kv = { createNamespace: (id) => new KvNamespace(kCreate, id) };
