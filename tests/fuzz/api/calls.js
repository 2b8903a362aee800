// Calls everything a script can reach, with arguments that mean harm. Driven by api_fuzz.cc:
// a request for /SEED/COUNT makes COUNT calls. `fuzzHost.say(text)` notes what comes next.

const { apply, construct, getPrototypeOf, getOwnPropertyDescriptor, ownKeys } = Reflect;
const { freeze, create, defineProperty } = Object;
const promiseThen = Promise.prototype.then;
const { transfer, resize } = ArrayBuffer.prototype;
const { say } = fuzzHost;
const RealProxy = Proxy, RealUint8Array = Uint8Array, RealArrayBuffer = ArrayBuffer;
const RealError = Error, RealSymbol = Symbol, RealPromise = Promise, RealWeakSet = WeakSet;
const toText = String;

// ---- chance -------------------------------------------------------------------------------------

let state = 1;
function random() {  // mulberry32
  state = (state + 0x6d2b79f5) | 0;
  let t = Math.imul(state ^ (state >>> 15), 1 | state);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
}
const { imul, floor } = Math;
const pick = (list) => list[floor(random() * list.length)];
const chance = (part) => random() < part;

// ---- what there is ------------------------------------------------------------------------------

/** What the language brings: called now and then only, as it is V8's to be right. */
const languages = new Set(["Object", "Function", "Array", "Number", "Boolean", "String", "Symbol",
  "Date", "Promise", "RegExp", "Error", "AggregateError", "EvalError", "RangeError",
  "ReferenceError", "SyntaxError", "TypeError", "URIError", "JSON", "Math", "Intl", "ArrayBuffer",
  "Atomics", "Uint8Array", "Int8Array", "Uint16Array", "Int16Array", "Uint32Array", "Int32Array",
  "Float16Array", "Float32Array", "Float64Array", "Uint8ClampedArray", "BigUint64Array",
  "BigInt64Array", "DataView", "Map", "BigInt", "Set", "Iterator", "WeakMap", "WeakSet", "WeakRef",
  "Proxy", "Reflect", "FinalizationRegistry", "decodeURI", "decodeURIComponent", "encodeURI",
  "encodeURIComponent", "escape", "unescape", "eval", "isFinite", "isNaN", "parseFloat", "parseInt",
  "DisposableStack", "AsyncDisposableStack", "SuppressedError"]);
// They would end the fuzzing, not the bug: endless by design.
const leftOut = new Set(["fuzzHost", "global", "globalThis", "self"]);

const platform = [], language = [], holders = [];

function collect() {
  const seen = new Set();
  const todo = [];
  const names = ownKeys(globalThis);
  for (let i = 0; i < names.length; i++) {
    if (leftOut.has(names[i])) continue;
    let value;
    try {
      value = globalThis[names[i]];
    } catch {
      continue;
    }
    if (value !== null && (typeof value === "object" || typeof value === "function")) {
      todo.push([toText(names[i]), value, undefined,
        languages.has(names[i]) ? language : platform]);
    }
  }
  while (todo.length > 0) {
    const [path, value, home, list] = todo.shift();
    if (seen.has(value)) continue;
    seen.add(value);
    if (typeof value === "function") list.push({ path, run: value, home });
    if (list === platform && typeof value === "object") holders.push(value);
    const keys = ownKeys(value);
    for (let i = 0; i < keys.length; i++) {
      if (keys[i] === "constructor") continue;
      const { get, set, value: inner } = getOwnPropertyDescriptor(value, keys[i]);
      const name = `${path}.${toText(keys[i])}`;
      const parts = [["get ", get], ["set ", set], ["", inner]];
      for (let j = 0; j < parts.length; j++) {
        const [kind, part] = parts[j];
        if (part !== null && (typeof part === "object" || typeof part === "function")) {
          todo.push([kind + name, part, value, list]);
        }
      }
      if (get !== undefined) {
        try {
          const made = apply(get, value, []);
          if (typeof made === "object" && made !== null) todo.push([name, made, value, list]);
        } catch {
          // Wants another receiver.
        }
      }
    }
    const prototype = getPrototypeOf(value);
    if (prototype !== null) todo.push([`${path}.__proto__`, prototype, undefined, list]);
  }
}
collect();

// ---- what they are called with ------------------------------------------------------------------

const words = ["", "a", "x".repeat(100000), "\ud800", "\0", "http://a.example/b?c=d#e", "//",
  "data:,",
  "GET", "POST", "CONNECT", "bytes", "byob", "gzip", "deflate", "deflate-raw", "utf-8", "utf-16le",
  "gb18030", "SHA-256", "MD5", "AES-GCM", "AES-CBC", "AES-KW", "HMAC", "PBKDF2", "HKDF", "ECDSA",
  "ECDH", "Ed25519", "X25519", "RSA-OAEP", "RSA-PSS", "ML-KEM-512", "ML-DSA-44", "KMAC128", "KT128",
  "P-256", "raw", "raw-secret", "raw-public", "jwk", "spki", "pkcs8", "encrypt", "sign",
  "deriveBits", "abort", "message", "close", "content-type", "text/html; charset=x",
  "multipart/form-data; boundary=b",
  "follow", "error", "manual", "*", "/:a/(\\d+)", "{\"a\":1}", "__proto__", "constructor", "then",
  "length", "Thu, 01 Jan 1970 00:00:00 GMT", "AQAB", "cloudflare:workers", "node:fs"];
const numbers = [0, -0, 1, -1, 2, 7, 16, 32, 255, 256, 65535, 65536, 65537, 2 ** 31 - 1, 2 ** 31,
  2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1, 2 ** 53, -(2 ** 31), 1e308, 0.5, NaN, Infinity, -Infinity,
  100000];
const others = [undefined, null, true, false, 10n, -(2n ** 64n), Symbol("s"), Symbol.iterator,
  Symbol.asyncIterator];
const kept = [];
const ours = new RealWeakSet();

function keep(value) {
  if (kept.length < 64) kept.push(value);
  else kept[floor(random() * 64)] = value;
}

let depth = 0;
class Fuzzed extends RealError {}
const makers = [
  () => pick(words), () => pick(words), () => pick(words), () => pick(numbers),
  () => pick(numbers), () => pick(others),
  () => new RealUint8Array(pick([0, 1, 12, 16, 32, 57, 1000])),
  () => new RealUint8Array(pick([0, 16, 32])).buffer,
  () => new DataView(new RealArrayBuffer(16), pick([0, 4, 16])),
  () => new Float64Array(4),
  () => new BigInt64Array(2),
  () => new RealUint8Array(1 << 20),
  () => {  // Detached.
    const view = new RealUint8Array(32);
    apply(transfer, view.buffer, []);
    return chance(0.5) ? view : view.buffer;
  },
  () => {  // Resized, or to be resized by what comes next.
    const buffer = new RealArrayBuffer(32, { maxByteLength: 128 });
    const view = chance(0.5) ? new RealUint8Array(buffer) : new RealUint8Array(buffer, 16, 16);
    if (chance(0.5)) apply(resize, buffer, [pick([0, 8, 20, 128])]);
    keep(buffer);
    return chance(0.7) ? view : buffer;
  },
  () => [],
  () => [argument(), argument()],
  () => [[pick(words), pick(words)], [pick(words), argument()]],
  () => ({ length: pick([0, 3, 2 ** 31]), 0: argument() }),
  () => ({}),
  () => create(null),
  () => ({ [pick(words)]: argument(), [pick(words)]: argument() }),
  () => new Map([[argument(), argument()]]),
  () => new Date(pick(numbers)),
  () => new RealError(pick(words)),
  () => /a+/g,
  () => function () { return chance(0.5) ? argument() : again(); },
  () => async () => argument(),
  () => class { constructor() { return argument(); } },
  () => RealPromise.resolve(argument()),
  () => RealPromise.reject(new Fuzzed("rejected")),
  cyclic, revoked, anything, anything, thrower, converting, iterating, thenable, keyAlgorithm,
  streamSource, init,
  () => pick(kept), () => pick(kept), () => pick(kept), () => pick(holders),
  () => pick(platform).run,
];

function cyclic() {
  const object = { list: [] };
  object.self = object;
  object.list.push(object, object.list);
  return object;
}

function revoked() {
  const { proxy, revoke } = RealProxy.revocable(chance(0.5) ? {} : function () {}, {});
  ours.add(proxy);
  revoke();
  return proxy;
}

/** A dictionary with every member there is, each read something else; some reads do harm. */
function anything() {
  const proxy = new RealProxy(chance(0.3) ? function () {} : {}, {
    __proto__: null,
    get(target, key) {
      if (key === "then" && chance(0.9)) return undefined;
      if (chance(0.05)) throw new Fuzzed("get");
      if (chance(0.05)) again();
      return argument();
    },
    has: () => chance(0.5),
    ownKeys: () => ["a", pick(words.slice(1, 2)), "name", "type", "headers"].filter(
      (key, i, all) => all.indexOf(key) === i),
    getOwnPropertyDescriptor: () => chance(0.1) ? undefined
      : { value: argument(), writable: true, enumerable: true, configurable: true },
    getPrototypeOf() {
      if (chance(0.1)) throw new Fuzzed("getPrototypeOf");
      return chance(0.5) ? null : pick(holders);
    },
  });
  ours.add(proxy);
  return proxy;
}

function thrower() {
  const object = {};
  for (let i = 0; i < 6; i++) {
    defineProperty(object, pick(["name", "type", "length", "headers", "signal", "body", "method",
      "iv", "hash", "public", "start", "pull", "size", "highWaterMark", "detail", "transfer"]), {
      __proto__: null, configurable: true, enumerable: true,
      get() { throw new Fuzzed("getter"); } });
  }
  return object;
}

function converting() {
  const act = () => {
    if (chance(0.3)) throw new Fuzzed("conversion");
    if (chance(0.3)) ruin();
    return chance(0.3) ? argument() : chance(0.5) ? pick(words) : pick(numbers);
  };
  return pick([{ toString: act }, { valueOf: act }, { [RealSymbol.toPrimitive]: act }]);
}

function iterating() {
  let left = pick([0, 1, 3, 20]);
  return { [pick([RealSymbol.iterator, RealSymbol.asyncIterator])]: () => ({
    next() {
      if (chance(0.1)) throw new Fuzzed("next");
      if (chance(0.1)) ruin();
      return left-- > 0 ? { value: argument(), done: false } : { value: argument(), done: true };
    },
    return() { return chance(0.5) ? {} : argument(); },
  }) };
}

function thenable() {
  return { then(resolve, reject) {
    if (chance(0.2)) throw new Fuzzed("then");
    if (chance(0.2)) again();
    (chance(0.5) ? resolve : reject)(argument());
    if (chance(0.3)) resolve(argument());
  } };
}

function keyAlgorithm() {
  return { name: pick(words), hash: pick(["SHA-256", "SHA-1", argument()]),
    length: pick([128, 256, argument()]), namedCurve: pick(["P-256", "P-521", argument()]),
    iv: argument(), counter: new RealUint8Array(16), salt: argument(), info: new RealUint8Array(2),
    iterations: pick([1, 0, argument()]), public: argument(), modulusLength: pick([1024, 0]),
    publicExponent: new RealUint8Array([1, 0, 1]), label: argument(), saltLength: pick(numbers),
    tagLength: pick([128, 32, 0]), outputLength: pick([256, 2 ** 31, 7]),
    nonce: new RealUint8Array(16), memory: pick([64, 2 ** 31]), passes: 1, parallelism: 1 };
}

function streamSource() {
  const act = (...given) => {
    keep(given[0]);
    if (chance(0.2)) throw new Fuzzed("source");
    if (chance(0.3)) again();
    return argument();
  };
  return { type: chance(0.3) ? "bytes" : undefined, start: chance(0.5) ? act : undefined,
    pull: chance(0.5) ? act : undefined, cancel: act, write: act, close: act, abort: act,
    transform: act, flush: act, size: act, highWaterMark: pick([0, 1, 16, Infinity, -1]),
    autoAllocateChunkSize: pick([undefined, 1, 1024, 2 ** 40]) };
}

function init() {
  return { method: pick(["GET", "POST", argument()]), headers: argument(), body: argument(),
    status: pick([200, 204, 101, argument()]), signal: argument(), redirect: argument(),
    detail: argument(), bubbles: true, cancelable: true, once: chance(0.5), capture: chance(0.5),
    type: argument(), transfer: [argument()], ignoreBOM: true, fatal: chance(0.5), stream: true,
    preventClose: true, mode: pick(["byob", undefined]), cf: argument() };
}

/** Takes the ground from under a buffer that somebody may be looking at. */
function ruin() {
  const value = pick(kept);
  try {
    const buffer = value instanceof RealArrayBuffer ? value : value.buffer;
    if (chance(0.5)) apply(transfer, buffer, []);
    else apply(resize, buffer, [pick([0, 8, 64])]);
  } catch {
    // Not a buffer.
  }
}

function argument() {
  if (depth > 4) return pick(numbers);
  depth++;
  try {
    return pick(makers)();
  } finally {
    depth--;
  }
}

// ---- calling ------------------------------------------------------------------------------------

function ignore() {}

/** What came back must be of this realm: its prototypes end with this Object.prototype, or none. */
function checkRealm(value, path) {
  if (typeof value !== "object" || value === null || ours.has(value)) return;
  let at = value;
  for (let i = 0; i < 30; i++) {
    if (ours.has(at)) return;
    let next;
    try {
      next = getPrototypeOf(at);
    } catch {
      return;
    }
    if (next === null) {
      if (at !== value && at !== Object.prototype && !roots.has(at)) {
        fuzzHost.fail(`${path} gave an object of another realm`);
      }
      return;
    }
    at = next;
  }
}
const roots = new RealWeakSet([Object.prototype]);

let running = 0;

function again() {
  if (running < 3) call(pick(platform));
}

function call(target) {
  const arguments_ = [];
  try {
    for (let count = floor(random() * 5); count > 0; count--) arguments_.push(argument());
  } catch {
    return;  // What was to do harm to others did it to itself.
  }
  const way = random();
  const home = target.home;
  say(`${target.path}(${arguments_.length} arguments) ${way < 0.3 ? "new" : "call"}`);
  running++;
  let result;
  try {
    if (way < 0.3) result = construct(target.run, arguments_);
    else if (way < 0.6 && home !== undefined) {
      result = apply(target.run, receiver(home), arguments_);
    } else result = apply(target.run, chance(0.5) ? argument() : pick(kept), arguments_);
  } catch {
    return;
  } finally {
    running--;
  }
  checkRealm(result, target.path);
  if (typeof result === "object" && result !== null) {
    keep(result);
    if (result instanceof RealPromise) {
      try {
        apply(promiseThen, result, [(value) => { checkRealm(value, target.path); keep(value); },
          ignore]);
      } catch {
        // Its constructor is somebody else's by now.
      }
    }
  }
}

/** An object whose prototype is `home`, if there is one yet. */
function receiver(home) {
  for (let i = 0; i < 8; i++) {
    const value = pick(kept);
    try {
      if (typeof value === "object" && value !== null && getPrototypeOf(value) === home) {
        return value;
      }
    } catch {
      // A revoked proxy.
    }
  }
  return home;
}

/** One of each, so that the calls have something to work on. */
function stock() {
  kept.length = 0;
  const make = [() => new URL("http://a/b?c"), () => new Headers({ a: "b" }),
    () => new Request("http://a/", { method: "POST", body: "x" }), () => new Response("body"),
    () => new ReadableStream({}), () => new ReadableStream({ type: "bytes" }),
    () => new WritableStream({}), () => new TransformStream(), () => new AbortController(),
    () => new AbortController().signal, () => new Blob(["abc"]), () => new FormData(),
    () => new URLSearchParams("a=b"), () => new TextDecoder(), () => new EventTarget(),
    () => new Event("x"), () => new ReadableStream({}).getReader(),
    () => new ReadableStream({ type: "bytes" }).getReader({ mode: "byob" }),
    () => new WritableStream({}).getWriter(), () => crypto.subtle, () => crypto,
    () => new MessageChannel().port1, () => new CompressionStream("gzip"), () => new URLPattern({}),
    () => new DOMException("m", "AbortError"), () => new Headers([["a", "b"]]).entries()];
  for (let i = 0; i < make.length; i++) {
    try {
      keep(make[i]());
    } catch {
      // Not there.
    }
  }
  for (const [algorithm, usages] of [[{ name: "AES-GCM", length: 128 }, ["encrypt", "wrapKey"]],
    [{ name: "ECDH", namedCurve: "P-256" }, ["deriveBits"]], ["Ed25519", ["sign"]]]) {
    crypto.subtle.generateKey(algorithm, true, usages).then((key) => {
      keep(key);
      if (key.privateKey !== undefined) keep(key.privateKey);
    }, ignore);
  }
}

export default {
  fetch(request) {
    const parts = request.url.split("/");
    const seed = Number(parts.at(-2)), count = Number(parts.at(-1));
    state = seed | 0;
    stock();
    return new RealPromise(() => {
      let left = count;
      const step = () => {
        for (let i = 0; i < 50 && left > 0; i++, left--) {
          call(chance(0.97) ? pick(platform) : pick(language));
        }
        // A turn of the microtasks in between.
        if (left > 0) apply(promiseThen, turn, [step]);
        else fuzzHost.done();
      };
      step();
    });
  },
};
const turn = RealPromise.resolve();
freeze(turn);
