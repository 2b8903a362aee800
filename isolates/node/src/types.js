// util.types, which V8 answers. The order is that of src/webapi/node_buffer.cc.
const names = ["ArgumentsObject", "ArrayBuffer", "ArrayBufferView", "AsyncFunction",
  "BigInt64Array", "BigUint64Array", "BigIntObject", "BooleanObject", "DataView", "Date",
    "External",
  "Float32Array", "Float64Array", "GeneratorFunction", "GeneratorObject", "Int8Array", "Int16Array",
  "Int32Array", "Map", "MapIterator", "ModuleNamespaceObject", "NativeError", "NumberObject",
  "Promise", "Proxy", "RegExp", "Set", "SetIterator", "SharedArrayBuffer", "StringObject",
  "SymbolObject", "TypedArray", "Uint8Array", "Uint8ClampedArray", "Uint16Array", "Uint32Array",
  "WeakMap", "WeakSet"];

const types = {};
for (let i = 0; i < names.length; i++) types[`is${names[i]}`] = (value) => native.typeIs(i, value);
types.isAnyArrayBuffer = (value) => types.isArrayBuffer(value) || types.isSharedArrayBuffer(value);
types.isBoxedPrimitive = (value) => types.isNumberObject(value) || types.isStringObject(value) ||
  types.isBooleanObject(value) || types.isBigIntObject(value) || types.isSymbolObject(value);
types.isCryptoKey = (value) => value instanceof globalThis.CryptoKey;
types.isKeyObject = (value) => value instanceof require("node:crypto").KeyObject;
types.isEventTarget = (value) => value instanceof EventTarget;

module.exports = types;
