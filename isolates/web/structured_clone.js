// structuredClone. https://html.spec.whatwg.org/#dom-structuredclone
// The walk is V8's serializer in src/webapi/structured_clone.cc; here is what the platform adds.

const {
  ArrayBuffer, ArrayBufferPrototypeGetDetached, ArrayPrototypeIndexOf, ObjectGetPrototypeOf,
  SetPrototypeHas, SymbolToStringTag,
} = internals.primordials;
const {
  createSequenceConverter, converters, interfacePrototypes, isArrayBuffer, isObject,
  requiredArguments, typeError,
} = internals.webidl;
const { defineGlobal, domException, isDOMException } = internals;

const toTransferList = createSequenceConverter(converters.object);

function cloneError(message) {
  return domException("DataCloneError", message);
}

/** Whether an object is of one of our interfaces, or of a class that extends one. */
function isHost(object) {
  for (let prototype = ObjectGetPrototypeOf(object); prototype !== null;
    prototype = ObjectGetPrototypeOf(prototype)) {
    if (SetPrototypeHas(interfacePrototypes, prototype)) return true;
  }
  return false;
}

/**
 * The copy of a serializable platform object. `internals.cloneable` holds functions that give an
 * object's copy, or undefined for what they do not know.
 */
function cloneHost(object) {
  const { cloneable } = internals;
  for (let i = 0; i < cloneable.length; i++) {
    const copy = cloneable[i](object);
    if (copy !== undefined) return copy;
  }
  throw cloneError(`${object[SymbolToStringTag] ?? "The object"} object could not be cloned.`);
}

function checkTransferList(list) {
  for (let i = 0; i < list.length; i++) {
    const item = list[i];
    if (!isArrayBuffer(item)) {
      throw cloneError(`Value at index ${i} of the transfer list is not transferable here.`);
    }
    if (ArrayBufferPrototypeGetDetached(item)) {
      throw cloneError(`An ArrayBuffer at index ${i} of the transfer list is detached.`);
    }
    if (ArrayPrototypeIndexOf(list, item) !== i) {
      throw cloneError(`Index ${i} of the transfer list repeats an earlier one.`);
    }
  }
}

const functions = {
  structuredClone(value, options = undefined) {
    const prefix = "Failed to execute 'structuredClone'";
    requiredArguments(arguments.length, 1, prefix);
    let transfer = [];
    if (options !== undefined && options !== null) {
      if (!isObject(options)) throw typeError(prefix, "argument 2", "is not an object.");
      const given = options.transfer;
      if (given !== undefined) transfer = toTransferList(given, prefix, "transfer");
    }
    checkTransferList(transfer);
    // Error objects are V8's to copy, and it would lose what makes this one a DOMException.
    if (isDOMException(value)) return domException(value.name, value.message);
    return native.clone(value, transfer, cloneError, isHost, cloneHost);
  },
};

internals.cloneable ??= [];
defineGlobal("structuredClone", functions.structuredClone);
