// Safe copies of the language's built-ins, taken while the snapshot is made, before any tenant code
// can patch a prototype. Built-in scripts call methods through these on every path that decides
// something: `ArrayPrototypePush(list, x)` instead of `list.push(x)`.
//
// Names are node's: <Class>Prototype<Method>, <Class><Static>, <Class>PrototypeGet<Accessor>.

const { apply, construct, ownKeys, getPrototypeOf, getOwnPropertyDescriptor } = Reflect;
const { bind, call } = Function.prototype;

/** uncurry(f)(self, ...args) is f.call(self, ...args), with no look-up that could be patched. */
const uncurry = bind.bind(call);

const primordials = {
  uncurry,
  ReflectApply: apply,
  ReflectConstruct: construct,
  ReflectOwnKeys: ownKeys,
  ReflectGetPrototypeOf: getPrototypeOf,
  ReflectGetOwnPropertyDescriptor: getOwnPropertyDescriptor,
  ReflectHas: Reflect.has,
  ReflectGet: Reflect.get,
};

function capital(name) {
  return name[0].toUpperCase() + name.slice(1);
}

function methods(className, prototype, names) {
  for (const name of names) {
    primordials[className + "Prototype" + capital(name)] = uncurry(prototype[name]);
  }
}

function getters(className, prototype, names) {
  for (const name of names) {
    primordials[className + "PrototypeGet" + capital(name)] =
      uncurry(getOwnPropertyDescriptor(prototype, name).get);
  }
}

function statics(className, holder, names) {
  for (const name of names) primordials[className + capital(name)] = holder[name];
}

for (const constructor of [
  Array, ArrayBuffer, BigInt, Boolean, DataView, Date, Error, FinalizationRegistry, Function,
  Int32Array, Map, Number, Object, Promise, Proxy, RangeError, RegExp, Set, String, Symbol,
  SyntaxError, TypeError, EvalError, ReferenceError, URIError, Uint8Array,
  Uint16Array, Uint32Array, WeakMap, WeakRef, WeakSet]) {
  primordials[constructor.name] = constructor;
}

const TypedArray = getPrototypeOf(Uint8Array);
primordials.TypedArray = TypedArray;
primordials.ArrayIteratorPrototype = getPrototypeOf([][Symbol.iterator]());
primordials.IteratorPrototype = getPrototypeOf(primordials.ArrayIteratorPrototype);
primordials.AsyncIteratorPrototype =
  getPrototypeOf(getPrototypeOf(async function* () {}.prototype));
primordials.ArrayPrototypeValuesFunction = Array.prototype.values;
primordials.globalThis = globalThis;

methods("Array", Array.prototype, [
  "push", "pop", "shift", "slice", "splice", "join", "indexOf", "includes", "sort", "map",
  "filter", "forEach", "concat"]);
statics("Array", Array, ["isArray"]);
methods("ArrayBuffer", ArrayBuffer.prototype, ["slice", "transfer", "transferToFixedLength"]);
getters("ArrayBuffer", ArrayBuffer.prototype, ["byteLength", "detached", "resizable",
  "maxByteLength"]);
statics("ArrayBuffer", ArrayBuffer, ["isView"]);
methods("TypedArray", TypedArray.prototype, ["set", "subarray", "slice", "fill"]);
getters("TypedArray", TypedArray.prototype, ["buffer", "byteLength", "byteOffset", "length"]);
primordials.TypedArrayPrototypeGetSymbolToStringTag =
  uncurry(getOwnPropertyDescriptor(TypedArray.prototype, Symbol.toStringTag).get);
methods("DataView", DataView.prototype, ["getUint32", "setUint32"]);
getters("DataView", DataView.prototype, ["buffer", "byteLength", "byteOffset"]);
statics("Date", Date, ["now"]);
methods("Date", Date.prototype, ["getTime", "toISOString"]);
methods("Function", Function.prototype, ["bind", "call", "apply"]);
statics("JSON", JSON, ["parse", "stringify"]);
methods("Map", Map.prototype, ["get", "set", "has", "delete", "clear", "forEach"]);
getters("Map", Map.prototype, ["size"]);
statics("Math", Math, ["abs", "floor", "ceil", "max", "min", "trunc", "pow", "random"]);
methods("Number", Number.prototype, ["toString"]);
statics("Number", Number, ["parseInt", "isInteger", "isFinite", "isNaN", "isSafeInteger"]);
statics("Object", Object, [
  "create", "defineProperty", "defineProperties", "freeze", "getOwnPropertyDescriptor",
  "getOwnPropertyNames", "getPrototypeOf", "setPrototypeOf", "hasOwn", "keys", "is"]);
methods("Promise", Promise.prototype, ["then", "catch", "finally"]);
methods("RegExp", RegExp.prototype, ["exec", "test", "toString"]);
methods("Set", Set.prototype, ["add", "delete", "has", "clear", "forEach"]);
getters("Set", Set.prototype, ["size"]);
methods("Symbol", Symbol.prototype, ["toString"]);
methods("String", String.prototype, [
  "charCodeAt", "codePointAt", "at", "endsWith", "includes", "indexOf", "isWellFormed", "padStart",
  "replace", "replaceAll", "slice", "split", "startsWith", "substring", "toLowerCase",
  "toUpperCase", "toWellFormed", "trim"]);
statics("String", String, ["fromCharCode", "fromCodePoint"]);
methods("WeakMap", WeakMap.prototype, ["get", "set", "has", "delete"]);
methods("WeakRef", WeakRef.prototype, ["deref"]);
methods("WeakSet", WeakSet.prototype, ["add", "has", "delete"]);
methods("FinalizationRegistry", FinalizationRegistry.prototype, ["register", "unregister"]);
for (const name of ["iterator", "asyncIterator", "toStringTag", "dispose", "asyncDispose"]) {
  // dispose and asyncDispose may be missing in this V8.
  primordials["Symbol" + capital(name)] = Symbol[name];
}
primordials.SymbolFor = Symbol.for;
primordials.ErrorCaptureStackTrace = Error.captureStackTrace;

// A collectable's prototype is only reachable through an instance of it.
primordials.AsyncIteratorPrototypeSymbolAsyncIterator =
  uncurry(primordials.AsyncIteratorPrototype[Symbol.asyncIterator]);

// Promise statics look at their receiver, so each is bound to the real Promise.
primordials.PromiseResolve = Promise.resolve.bind(Promise);
primordials.PromiseReject = Promise.reject.bind(Promise);
primordials.PromiseWithResolvers = Promise.withResolvers.bind(Promise);

internals.primordials = primordials;
