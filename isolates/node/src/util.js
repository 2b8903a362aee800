// node:util
const inspected = require("node-inspect-extracted");
const { parseArgs } = require("@pkgjs/parseargs");
const types = require("./types.js");

/** It needs us, so it is loaded when it is first asked for. */
const isDeepStrictEqual = (a, b) =>
  require("assert/build/internal/util/comparisons.js").isDeepStrictEqual(a, b);

const { inspect, format, formatWithOptions, stripVTControlCharacters } = inspected;
const kCustomPromisify = Symbol.for("nodejs.util.promisify.custom");

function coded(Type, code, text) {
  const error = new Type(text);
  error.code = code;
  return error;
}

function requireFunction(name, value) {
  if (typeof value === "function") return;
  throw coded(TypeError, "ERR_INVALID_ARG_TYPE",
    `The "${name}" argument must be of type function. Received ${value === null ? "null" :
      `type ${typeof value}`}`);
}

function promisify(original) {
  requireFunction("original", original);
  const timers = original === globalThis.setTimeout || original === globalThis.setImmediate ?
    require("node:timers").promises[original.name] : undefined;
  const own = timers ?? original[kCustomPromisify];
  if (own !== undefined) {
    requireFunction("util.promisify.custom", own);
    return Object.defineProperty(own, kCustomPromisify,
      { value: own, enumerable: false, writable: false, configurable: true });
  }
  function promised(...args) {
    return new Promise((resolve, reject) => {
      Reflect.apply(original, this, [...args, (error, value) => {
        if (error) reject(error);
        else resolve(value);
      }]);
    });
  }
  Object.setPrototypeOf(promised, Object.getPrototypeOf(original));
  Object.defineProperty(promised, kCustomPromisify,
    { value: promised, enumerable: false, writable: false, configurable: true });
  return Object.defineProperties(promised, Object.getOwnPropertyDescriptors(original));
}
promisify.custom = kCustomPromisify;

function callbackify(original) {
  requireFunction("original", original);
  function called(...args) {
    const callback = args.pop();
    requireFunction("last argument", callback);
    const answer = (error, value) => process().nextTick(callback, error, value);
    Reflect.apply(original, this, args).then((value) => answer(null, value), (reason) => {
      if (reason) {
        answer(reason);
        return;
      }
      const error = coded(Error, "ERR_FALSY_VALUE_REJECTION",
        "Promise was rejected with falsy value");
      error.reason = reason;
      answer(error);
    });
  }
  Object.setPrototypeOf(called, Object.getPrototypeOf(original));
  const descriptors = Object.getOwnPropertyDescriptors(original);
  if (typeof descriptors.length?.value === "number") descriptors.length.value++;
  if (typeof descriptors.name?.value === "string") descriptors.name.value += "Callbackified";
  return Object.defineProperties(called, descriptors);
}

const process = () => require("node:process");

function inherits(constructor, parent) {
  requireFunction("ctor", constructor);
  requireFunction("superCtor", parent);
  if (parent.prototype === undefined) {
    throw coded(TypeError, "ERR_INVALID_ARG_TYPE",
      'The "superCtor.prototype" property must be of type object.');
  }
  Object.defineProperty(constructor, "super_", { value: parent, writable: true,
    configurable: true });
  Object.setPrototypeOf(constructor.prototype, parent.prototype);
}

const warned = new Set();

function deprecate(callback, text, code) {
  let told = false;
  function deprecated(...args) {
    if (!told) {
      told = true;
      if (code === undefined || !warned.has(code)) {
        if (code !== undefined) warned.add(code);
        process().emitWarning(text, "DeprecationWarning", code);
      }
    }
    return new.target ? Reflect.construct(callback, args, new.target) :
      Reflect.apply(callback, this, args);
  }
  Object.setPrototypeOf(deprecated, callback);
  if (callback.prototype) deprecated.prototype = callback.prototype;
  return deprecated;
}

function debuglog(section) {
  const log = () => {};
  log.enabled = false;
  return log;
}

const kStyles = inspect.colors;

function styleText(formats, text, options = undefined) {
  let left = "", right = "";
  for (const name of Array.isArray(formats) ? formats : [formats]) {
    const codes = kStyles[name];
    if (codes === undefined && name !== "none") {
      throw coded(TypeError, "ERR_INVALID_ARG_VALUE",
        `The argument 'format' is invalid. Received '${name}'`);
    }
    if (codes === undefined) continue;
    left += `\u001b[${codes[0]}m`;
    right = `\u001b[${codes[1]}m${right}`;
  }
  return left + text + right;
}

function parseEnv(content) {
  const made = {};
  const line =
    /^\s*(?:export\s+)?([\w.-]+)\s*=\s*("(?:\\"|[^"])*"|'[^']*'|`[^`]*`|[^#\r\n]*)?.*$/gm;
  for (const [, name, raw = ""] of `${content}`.matchAll(line)) {
    const value = raw.trim();
    const quote = /^(["'`])([\s\S]*)\1$/.exec(value);
    made[name] = quote === null ? value :
      quote[1] === '"' ? quote[2].replaceAll("\\n", "\n") : quote[2];
  }
  return made;
}

async function aborted(signal, resource) {
  if (signal.aborted) return;
  await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
}

const legacy = {
  isArray: Array.isArray,
  isBoolean: (value) => typeof value === "boolean",
  isBuffer: (value) => require("node:buffer").Buffer.isBuffer(value),
  isDate: types.isDate,
  isError: (value) => types.isNativeError(value) || value instanceof Error,
  isFunction: (value) => typeof value === "function",
  isNull: (value) => value === null,
  isNullOrUndefined: (value) => value === null || value === undefined,
  isNumber: (value) => typeof value === "number",
  isObject: (value) => value !== null && typeof value === "object",
  isPrimitive: (value) => value === null || (typeof value !== "object" &&
    typeof value !== "function"),
  isRegExp: types.isRegExp,
  isString: (value) => typeof value === "string",
  isSymbol: (value) => typeof value === "symbol",
  isUndefined: (value) => value === undefined,
};

const { MIMEParams, MIMEType } = require("unenv/node/util");

function _extend(target, source) {
  return source !== null && typeof source === "object" ? Object.assign(target, source) : target;
}

module.exports = {
  ...legacy, MIMEParams, MIMEType, TextDecoder, TextEncoder, _extend, aborted, callbackify,
    debug: debuglog, debuglog,
  deprecate, format, formatWithOptions, getSystemErrorMap: () => new Map(),
  getSystemErrorName: (number) => `Unknown system error ${number}`,
  getSystemErrorMessage: (number) => `Unknown system error ${number}`,
  getCallSites: () => [], inherits, inspect, isDeepStrictEqual,
  log: (...args) => console.log("%s", format(...args)), parseArgs, parseEnv, promisify,
  stripVTControlCharacters, styleText, toUSVString: (text) => `${text}`.toWellFormed(),
  transferableAbortController: () => new AbortController(), transferableAbortSignal: (signal) =>
    signal,
  types,
};
