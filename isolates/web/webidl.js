// Web IDL for the built-in scripts: conversions in the order a script can observe, and the shape of
// interfaces (enumerable members, toStringTag, constants, iterables).
// https://webidl.spec.whatwg.org/
//
// Conversions are called `converters.X(value, prefix, argument)`, prefix being "Failed to execute
// 'append' on 'Headers'" and argument "argument 1"; both only serve error messages.

const {
  ArrayBufferIsView, ArrayBufferPrototypeGetByteLength, ArrayBufferPrototypeGetResizable,
  ArrayIsArray, ArrayPrototypePush, ArrayPrototypeSort, ArrayPrototypeValuesFunction, BigInt,
  DataViewPrototypeGetBuffer, IteratorPrototype, Map, MapPrototypeGet, MapPrototypeHas,
  MapPrototypeSet, MathAbs, MathFloor, MathMax, MathMin, MathTrunc, Number, NumberIsFinite,
  ObjectCreate, ObjectDefineProperty, ObjectSetPrototypeOf,
  PromiseResolve, ReflectApply, ReflectGetOwnPropertyDescriptor, ReflectOwnKeys,
  RegExpPrototypeExec, Set, SetPrototypeAdd, SetPrototypeHas, String, StringPrototypeToWellFormed,
  Symbol, SymbolIterator, SymbolToStringTag, TypeError, TypedArrayPrototypeGetBuffer,
  TypedArrayPrototypeGetSymbolToStringTag, globalThis,
} = internals.primordials;

/** Passed as first argument to constructors that scripts may not call: `new X(kConstruct, ...)`. */
const kConstruct = Symbol("construct");

function illegalConstructor() {
  return new TypeError("Illegal constructor");
}

/** A TypeError in the house form: "Failed to execute 'm' on 'I': argument 1 is not ...". */
function typeError(prefix, argument, problem) {
  const subject = argument === undefined ? problem : argument + " " + problem;
  return new TypeError(prefix === undefined ? subject : prefix + ": " + subject);
}

/** Throws unless `given` arguments are enough. Call it before any conversion. */
function requiredArguments(given, required, prefix) {
  if (given < required) {
    throw new TypeError(`${prefix}: ${required} argument${required === 1 ? "" : "s"} required, ` +
      `but only ${given} present.`);
  }
}

function isObject(value) {
  return (typeof value === "object" && value !== null) || typeof value === "function";
}

// ---- primitive types ----------------------------------------------------------------------------

const converters = {};

converters.any = (value) => value;

converters.boolean = (value) => !!value;

converters.object = (value, prefix, argument) => {
  if (!isObject(value)) throw typeError(prefix, argument, "is not an object.");
  return value;
};

// https://webidl.spec.whatwg.org/#js-DOMString
converters.DOMString = (value, prefix, argument) => {
  if (typeof value === "string") return value;
  if (typeof value === "symbol") {
    throw typeError(prefix, argument, "is a symbol, which cannot be converted to a string.");
  }
  return String(value);
};

// https://webidl.spec.whatwg.org/#js-ByteString
const beyondByte = /[^\x00-\xff]/;
converters.ByteString = (value, prefix, argument) => {
  const text = converters.DOMString(value, prefix, argument);
  if (RegExpPrototypeExec(beyondByte, text) !== null) {
    throw typeError(prefix, argument, "contains a character above 255, so it is no ByteString.");
  }
  return text;
};

// https://webidl.spec.whatwg.org/#js-USVString
converters.USVString = (value, prefix, argument) =>
  StringPrototypeToWellFormed(converters.DOMString(value, prefix, argument));

converters.double = (value, prefix, argument) => {
  const number = converters.unrestrictedDouble(value, prefix, argument);
  if (!NumberIsFinite(number)) throw typeError(prefix, argument, "is not a finite number.");
  return number;
};

converters.unrestrictedDouble = (value, prefix, argument) => {
  if (typeof value === "number") return value;
  if (typeof value === "symbol" || typeof value === "bigint") {
    throw typeError(prefix, argument,
      `is a ${typeof value}, which cannot be converted to a number.`);
  }
  return Number(value);
};

/** Rounds to the nearest integer, halves to even; never -0. */
function roundHalfEven(number) {
  const down = MathFloor(number);
  const rest = number - down;
  const odd = MathAbs(down % 2) === 1;
  return (rest > 0.5 || (rest === 0.5 && odd) ? down + 1 : down) + 0;
}

/** https://webidl.spec.whatwg.org/#abstract-opdef-converttoint, for the bits that IDL types use. */
function integerConverter(bits, signed) {
  const modulus = 2 ** bits;
  const half = 2 ** (bits - 1);
  const max = bits === 64 ? Number.MAX_SAFE_INTEGER : (signed ? half : modulus) - 1;
  const min = !signed ? 0 : bits === 64 ? Number.MIN_SAFE_INTEGER : -half;

  function modulo(number) {
    if (bits === 64) {
      // Doubles are too coarse for modulo 2^64.
      const wide = signed ? BigInt.asIntN(64, BigInt(number)) : BigInt.asUintN(64, BigInt(number));
      return Number(wide);
    }
    let rest = number % modulus;
    if (rest < 0) rest += modulus;
    return signed && rest >= half ? rest - modulus : rest;
  }

  /** options: {enforceRange: true} or {clamp: true}, as the extended attributes. */
  return (value, prefix, argument, options) => {
    if (typeof value === "number" && value >= min && value <= max && MathTrunc(value) === value) {
      return value + 0;
    }
    const number = converters.unrestrictedDouble(value, prefix, argument);
    if (options !== undefined && options.enforceRange) {
      if (!NumberIsFinite(number)) throw typeError(prefix, argument, "is not a finite number.");
      const whole = MathTrunc(number) + 0;
      if (whole < min || whole > max) {
        throw typeError(prefix, argument, `is not in the range from ${min} to ${max}.`);
      }
      return whole;
    }
    if (number !== number) return 0;
    if (options !== undefined && options.clamp) {
      return roundHalfEven(MathMin(MathMax(number, min), max));
    }
    if (!NumberIsFinite(number)) return 0;
    return modulo(MathTrunc(number)) + 0;
  };
}

converters.octet = integerConverter(8, false);
converters.unsignedShort = integerConverter(16, false);
converters.short = integerConverter(16, true);
converters.unsignedLong = integerConverter(32, false);
converters.long = integerConverter(32, true);
converters.unsignedLongLong = integerConverter(64, false);
converters.longLong = integerConverter(64, true);

const enforceRange = { enforceRange: true };
/** [EnforceRange] unsigned long and unsigned long long, the commonest of the extended forms. */
converters.enforcedUnsignedLong = (value, prefix, argument) =>
  converters.unsignedLong(value, prefix, argument, enforceRange);
converters.enforcedUnsignedLongLong = (value, prefix, argument) =>
  converters.unsignedLongLong(value, prefix, argument, enforceRange);

// ---- buffers ------------------------------------------------------------------------------------

/** True for an ArrayBuffer of any realm, detached ones too; false for a SharedArrayBuffer. */
function isArrayBuffer(value) {
  if (typeof value !== "object" || value === null) return false;
  try {
    ArrayBufferPrototypeGetByteLength(value);
    return true;
  } catch {
    return false;
  }
}

/** True for typed arrays, false for DataViews; meaningful for views only. */
function isTypedArray(view) {
  return TypedArrayPrototypeGetSymbolToStringTag(view) !== undefined;
}

/** The buffer of any view, which may be a SharedArrayBuffer. */
function viewBuffer(view) {
  return isTypedArray(view) ? TypedArrayPrototypeGetBuffer(view) : DataViewPrototypeGetBuffer(view);
}

function checkBuffer(buffer, prefix, argument, allowResizable) {
  if (!isArrayBuffer(buffer)) {
    throw typeError(prefix, argument, "is backed by a SharedArrayBuffer, which is not allowed.");
  }
  if (!allowResizable && ArrayBufferPrototypeGetResizable(buffer)) {
    throw typeError(prefix, argument, "is backed by a resizable ArrayBuffer: not allowed.");
  }
}

// https://webidl.spec.whatwg.org/#js-buffer-source-types
converters.ArrayBufferView = (value, prefix, argument, allowResizable = false) => {
  if (!ArrayBufferIsView(value)) {
    throw typeError(prefix, argument, "is not of type 'ArrayBufferView'.");
  }
  checkBuffer(viewBuffer(value), prefix, argument, allowResizable);
  return value;
};

converters.BufferSource = (value, prefix, argument, allowResizable = false) => {
  if (ArrayBufferIsView(value)) {
    checkBuffer(viewBuffer(value), prefix, argument, allowResizable);
    return value;
  }
  if (!isArrayBuffer(value)) {
    throw typeError(prefix, argument, "is not of type 'ArrayBuffer' or 'ArrayBufferView'.");
  }
  checkBuffer(value, prefix, argument, allowResizable);
  return value;
};

// ---- callbacks, promises, enumerations, interfaces ----------------------------------------------

converters.callbackFunction = (value, prefix, argument) => {
  if (typeof value !== "function") throw typeError(prefix, argument, "is not a function.");
  return value;
};

/** https://webidl.spec.whatwg.org/#js-promise */
converters.promise = (value) => PromiseResolve(value);

/** null and undefined become null; everything else goes through `converter`. */
function createNullableConverter(converter) {
  return (value, prefix, argument) =>
    value === undefined || value === null ? null : converter(value, prefix, argument);
}

/** `values` is an array of the enumeration's strings. */
function createEnumConverter(name, values) {
  const known = new Set();
  for (let i = 0; i < values.length; i++) SetPrototypeAdd(known, values[i]);
  return (value, prefix, argument) => {
    const text = converters.DOMString(value, prefix, argument);
    if (!SetPrototypeHas(known, text)) {
      throw typeError(prefix, argument,
        `is '${text}', which is not a valid enum value of type ${name}.`);
    }
    return text;
  };
}

/** `isInstance` is a brand check, not instanceof: `(value) => #field in value` for objects. */
function createInterfaceConverter(name, isInstance) {
  return (value, prefix, argument) => {
    if (!isObject(value) || !isInstance(value)) {
      throw typeError(prefix, argument, `is not of type '${name}'.`);
    }
    return value;
  };
}

// ---- sequences, records, dictionaries -----------------------------------------------------------

/**
 * Calls `each(value)` for every value of an iterable, closing the iterator if `each` throws.
 * Deviation: an Array whose iterator is the original is walked by index, so a patched
 * %ArrayIteratorPrototype%.next goes unseen.
 */
function iterate(iterable, method, each) {
  if (method === ArrayPrototypeValuesFunction && ArrayIsArray(iterable)) {
    for (let i = 0; i < iterable.length; i++) each(iterable[i]);
    return;
  }
  const iterator = ReflectApply(method, iterable, []);
  if (!isObject(iterator)) throw new TypeError("The result of Symbol.iterator is not an object.");
  const next = iterator.next;
  for (;;) {
    const result = ReflectApply(next, iterator, []);
    if (!isObject(result)) throw new TypeError("The iterator's result is not an object.");
    if (result.done) return;
    const value = result.value;
    let finished = false;
    try {
      each(value);
      finished = true;
    } finally {
      if (!finished) closeIterator(iterator);
    }
  }
}

/** The exception that led here wins over whatever `return` throws. */
function closeIterator(iterator) {
  try {
    const close = iterator.return;
    if (close !== undefined && close !== null) ReflectApply(close, iterator, []);
  } catch {
    // See above.
  }
}

/** The @@iterator method of an object, or undefined. Throws if it is there and not callable. */
function iteratorMethod(value, prefix, argument) {
  const method = value[SymbolIterator];
  if (method === undefined || method === null) return undefined;
  if (typeof method !== "function") {
    throw typeError(prefix, argument, "has a Symbol.iterator that is not a function.");
  }
  return method;
}

/** As the converter, for a caller (a union type) that has read @@iterator already. */
function sequenceFrom(value, method, converter, prefix, argument) {
  const list = [];
  iterate(value, method, (item) => {
    ArrayPrototypePush(list, converter(item, prefix, `${argument} (item ${list.length})`));
  });
  return list;
}

// https://webidl.spec.whatwg.org/#js-sequence
function createSequenceConverter(converter) {
  return (value, prefix, argument) => {
    if (!isObject(value)) throw typeError(prefix, argument, "is not an iterable object.");
    const method = iteratorMethod(value, prefix, argument);
    if (method === undefined) throw typeError(prefix, argument, "is not an iterable object.");
    return sequenceFrom(value, method, converter, prefix, argument);
  };
}

// https://webidl.spec.whatwg.org/#js-record
// The result is an array of [key, value]; a key that comes again replaces the value of the first.
function createRecordConverter(keyConverter, valueConverter) {
  return (value, prefix, argument) => {
    if (!isObject(value)) throw typeError(prefix, argument, "is not an object.");
    const entries = [];
    const places = new Map();
    const keys = ReflectOwnKeys(value);
    for (let i = 0; i < keys.length; i++) {
      const key = keys[i];
      const descriptor = ReflectGetOwnPropertyDescriptor(value, key);
      if (descriptor === undefined || !descriptor.enumerable) continue;
      const name = keyConverter(key, prefix, argument);
      const item = valueConverter(value[key], prefix, argument);
      if (MapPrototypeHas(places, name)) {
        entries[MapPrototypeGet(places, name)][1] = item;
      } else {
        MapPrototypeSet(places, name, entries.length);
        ArrayPrototypePush(entries, [name, item]);
      }
    }
    return entries;
  };
}

/**
 * `memberLists`: one array for each dictionary of the inheritance chain, the base first; members
 * are {key, converter, required, default}. A default is a value, or a function that makes one.
 * The result has no prototype and a property for every member; one not given is undefined.
 * https://webidl.spec.whatwg.org/#js-dictionary
 */
function createDictionaryConverter(name, ...memberLists) {
  const members = [];
  for (let i = 0; i < memberLists.length; i++) {
    const list = ArrayPrototypeSort(memberLists[i], (a, b) => (a.key < b.key ? -1 : 1));
    for (let j = 0; j < list.length; j++) {
      ArrayPrototypePush(members, { __proto__: null, ...list[j] });
    }
  }
  return (value, prefix, argument) => {
    const given = value !== undefined && value !== null;
    if (given && !isObject(value)) {
      throw typeError(prefix, argument, `is not an object, so it cannot be converted to ${name}.`);
    }
    const result = ObjectCreate(null);
    for (let i = 0; i < members.length; i++) {
      const member = members[i];
      const raw = given ? value[member.key] : undefined;
      if (raw !== undefined) {
        result[member.key] = member.converter(raw, prefix, `member ${member.key} of ${name}`);
      } else if (member.required) {
        throw typeError(prefix, argument, `lacks the required member ${member.key} of ${name}.`);
      } else {
        const fallback = member.default;
        result[member.key] = typeof fallback === "function" ? fallback() : fallback;
      }
    }
    return result;
  };
}

// ---- interfaces ---------------------------------------------------------------------------------

function makeEnumerable(holder, except) {
  const keys = ReflectOwnKeys(holder);
  for (let i = 0; i < keys.length; i++) {
    if (typeof keys[i] === "symbol" || SetPrototypeHas(except, keys[i])) continue;
    ObjectDefineProperty(holder, keys[i], { __proto__: null, enumerable: true });
  }
}
const ofConstructors = new Set(["prototype", "length", "name"]);
const ofPrototypes = new Set(["constructor"]);
/** The prototypes of all interfaces: how structuredClone knows the platform's objects. */
const interfacePrototypes = new Set();

/**
 * Gives a class the shape of an interface: enumerable members, Symbol.toStringTag.
 * https://webidl.spec.whatwg.org/#interface-prototype-object
 */
function configureInterface(constructor, name = constructor.name) {
  SetPrototypeAdd(interfacePrototypes, constructor.prototype);
  makeEnumerable(constructor, ofConstructors);
  makeEnumerable(constructor.prototype, ofPrototypes);
  defineToStringTag(constructor.prototype, name);
}

function defineToStringTag(prototype, name) {
  ObjectDefineProperty(prototype, SymbolToStringTag,
    { __proto__: null, value: name, writable: false, enumerable: false, configurable: true });
}

/** https://webidl.spec.whatwg.org/#define-the-constants */
function defineConstants(constructor, constants) {
  const keys = ReflectOwnKeys(constants);
  for (let i = 0; i < keys.length; i++) {
    const descriptor = { __proto__: null, value: constants[keys[i]], writable: false,
      enumerable: true, configurable: false };
    ObjectDefineProperty(constructor, keys[i], descriptor);
    ObjectDefineProperty(constructor.prototype, keys[i], descriptor);
  }
}

/**
 * Defines entries, keys, values, forEach and Symbol.iterator on a class, after
 * https://webidl.spec.whatwg.org/#js-iterable. The iteration is live. `access` has count(object),
 * keyAt(object, index), valueAt(object, index); `check(object)` throws a TypeError on a wrong
 * receiver.
 */
function definePairIterable(constructor, name, check, access) {
  const { count, keyAt, valueAt } = access;
  const kKeys = 0, kValues = 1, kEntries = 2;

  class PairIterator {
    #target;
    #kind;
    #index = 0;
    constructor(target, kind) {
      this.#target = target;
      this.#kind = kind;
    }
    next() {
      const target = this.#target;
      const index = this.#index;
      if (index >= count(target)) return { value: undefined, done: true };
      this.#index = index + 1;
      if (this.#kind === kKeys) return { value: keyAt(target, index), done: false };
      if (this.#kind === kValues) return { value: valueAt(target, index), done: false };
      return { value: [keyAt(target, index), valueAt(target, index)], done: false };
    }
  }
  const iteratorPrototype = PairIterator.prototype;
  delete iteratorPrototype.constructor;
  ObjectSetPrototypeOf(iteratorPrototype, IteratorPrototype);
  makeEnumerable(iteratorPrototype, ofPrototypes);
  defineToStringTag(iteratorPrototype, `${name} Iterator`);

  const members = {
    entries() {
      check(this);
      return new PairIterator(this, kEntries);
    },
    keys() {
      check(this);
      return new PairIterator(this, kKeys);
    },
    values() {
      check(this);
      return new PairIterator(this, kValues);
    },
    forEach(callback, thisArg = undefined) {
      check(this);
      const prefix = `Failed to execute 'forEach' on '${name}'`;
      requiredArguments(arguments.length, 1, prefix);
      converters.callbackFunction(callback, prefix, "argument 1");
      for (let i = 0; i < count(this); i++) {
        ReflectApply(callback, thisArg, [valueAt(this, i), keyAt(this, i), this]);
      }
    },
  };
  const names = ReflectOwnKeys(members);
  for (let i = 0; i < names.length; i++) {
    ObjectDefineProperty(constructor.prototype, names[i],
      { __proto__: null, value: members[names[i]], writable: true, enumerable: true,
        configurable: true });
  }
  ObjectDefineProperty(constructor.prototype, SymbolIterator,
    { __proto__: null, value: members.entries, writable: true, enumerable: false,
      configurable: true });
}

// ---- globals ------------------------------------------------------------------------------------

/** Scripts run already, by name; and of lazy globals the script that gives them, then the value. */
const loaded = new Set();
const lazyScripts = new Map();
const lazyValues = new Map();

/** Runs a lazy built-in script, the first time it is asked for. */
function load(scriptName) {
  if (SetPrototypeHas(loaded, scriptName)) return;
  SetPrototypeAdd(loaded, scriptName);
  native.loadScript(scriptName);
}

/** A global as Web IDL has them: writable, configurable, not enumerable. */
function defineGlobal(name, value) {
  if (MapPrototypeHas(lazyValues, name)) {
    // The property asks for it when it is looked at; one a tenant replaced stays the tenant's.
    MapPrototypeSet(lazyValues, name, value);
    return;
  }
  ObjectDefineProperty(globalThis, name,
    { __proto__: null, value, writable: true, enumerable: false, configurable: true });
}

/**
 * A global that few scripts touch: the first look at it runs `scriptName`, which calls
 * defineGlobal(name, ...). It is a data property like any other for who looks.
 */
function defineLazy(name, scriptName) {
  MapPrototypeSet(lazyScripts, name, scriptName);
  MapPrototypeSet(lazyValues, name, undefined);
  native.defineLazy(globalThis, name);
}

/** Called when somebody looks at a lazy global for the first time. */
internals.makeLazy = (name) => {
  load(MapPrototypeGet(lazyScripts, name));
  return MapPrototypeGet(lazyValues, name);
};

internals.kConstruct = kConstruct;
internals.load = load;
internals.defineGlobal = defineGlobal;
internals.defineLazy = defineLazy;
internals.webidl = {
  converters, createDictionaryConverter, createEnumConverter, createInterfaceConverter,
  createNullableConverter, createRecordConverter, createSequenceConverter, configureInterface,
  defineConstants, definePairIterable, defineToStringTag, illegalConstructor, interfacePrototypes,
  isArrayBuffer,
  isObject, isTypedArray, iterate, iteratorMethod, makeEnumerable, ofPrototypes,
  requiredArguments, sequenceFrom, typeError, viewBuffer,
};
