// structuredClone. https://html.spec.whatwg.org/#dom-structuredclone
// The walk is V8's serializer in src/webapi/structured_clone.cc; here is what the platform adds.

const {
  ArrayBufferPrototypeGetDetached, ArrayPrototypeIndexOf, ArrayPrototypeMap, ArrayPrototypePush,
  ObjectGetPrototypeOf, SetPrototypeHas, SymbolToStringTag,
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

/** Whether an object is a MessagePort; without ever loading them. */
function isPort(value) {
  return internals.ports !== undefined && internals.ports.isPort(value);
}

function checkTransferList(list) {
  for (let i = 0; i < list.length; i++) {
    const item = list[i];
    if (isPort(item)) {
      if (internals.ports.isMoved(item)) {
        throw cloneError(`The MessagePort at index ${i} of the transfer list was transferred.`);
      }
    } else if (!isArrayBuffer(item)) {
      throw cloneError(`Value at index ${i} of the transfer list is not transferable here.`);
    }
    if (!isPort(item) && ArrayBufferPrototypeGetDetached(item)) {
      throw cloneError(`An ArrayBuffer at index ${i} of the transfer list is detached.`);
    }
    if (ArrayPrototypeIndexOf(list, item) !== i) {
      throw cloneError(`Index ${i} of the transfer list repeats an earlier one.`);
    }
  }
}

/**
 * StructuredSerializeWithTransfer and its reverse: the copy, and the ports that came along.
 * https://html.spec.whatwg.org/#structuredserializewithtransfer
 */
function cloneWith(value, transfer) {
  checkTransferList(transfer);
  const buffers = [], ports = [];
  for (let i = 0; i < transfer.length; i++) {
    ArrayPrototypePush(isPort(transfer[i]) ? ports : buffers, transfer[i]);
  }
  // Ports move last: the walk may fail.
  const moved = ArrayPrototypeMap(ports, () => internals.ports.make());
  // Error objects are V8's to copy, and it would lose what makes this one a DOMException.
  const copy = isDOMException(value) ? domException(value.name, value.message)
    : native.clone(value, buffers, cloneError, isHost, (object) => {
      const at = ArrayPrototypeIndexOf(ports, object);
      return at < 0 ? cloneHost(object) : moved[at];
    });
  for (let i = 0; i < ports.length; i++) internals.ports.move(ports[i], moved[i]);
  return { copy, ports: moved };
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
    return cloneWith(value, transfer).copy;
  },
};

internals.cloneable ??= [];
internals.structuredClone = { cloneWith };
defineGlobal("structuredClone", functions.structuredClone);
