// What the parts of node:crypto share.
const { Buffer } = require("node:buffer");
const process = require("node:process");

function coded(Type, code, text) {
  const error = new Type(text);
  error.code = code;
  return error;
}

/** The bytes of a string, a buffer or a view. */
function bytesOf(name, value, encoding) {
  if (typeof value === "string") {
    return Buffer.from(value, encoding === "buffer" ? undefined : encoding);
  }
  if (ArrayBuffer.isView(value)) {
    return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  }
  if (value instanceof ArrayBuffer) return new Uint8Array(value);
  throw coded(TypeError, "ERR_INVALID_ARG_TYPE",
    `The "${name}" argument must be of type string or ` +
    `an instance of Buffer, TypedArray, or DataView. Received ${value === null ? "null" :
      `type ${typeof value}`}`);
}

/** The result, or what Node does with a callback. */
function later(callback, run) {
  if (callback === undefined) return run();
  if (typeof callback !== "function") {
    throw coded(TypeError, "ERR_INVALID_ARG_TYPE",
      'The "callback" argument must be of type function.');
  }
  let result;
  try {
    result = run();
  } catch (error) {
    process.nextTick(callback, error);
    return undefined;
  }
  process.nextTick(callback, null, result);
  return undefined;
}

function absent(name) {
  return () => {
    throw coded(Error, "ERR_METHOD_NOT_IMPLEMENTED",
      `node:crypto.${name}() is not available on this node.`);
  };
}

module.exports = { absent, bytesOf, coded, later };
