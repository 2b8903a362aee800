// DOMException. https://webidl.spec.whatwg.org/#idl-DOMException

const {
  Error, Map, MapPrototypeGet, ObjectSetPrototypeOf, ReflectConstruct,
} = internals.primordials;
const { configureInterface, converters, defineConstants } = internals.webidl;

// https://webidl.spec.whatwg.org/#dfn-error-names-table
const legacyCodes = new Map([
  ["IndexSizeError", 1], ["HierarchyRequestError", 3], ["WrongDocumentError", 4],
  ["InvalidCharacterError", 5], ["NoModificationAllowedError", 7], ["NotFoundError", 8],
  ["NotSupportedError", 9], ["InUseAttributeError", 10], ["InvalidStateError", 11],
  ["SyntaxError", 12], ["InvalidModificationError", 13], ["NamespaceError", 14],
  ["InvalidAccessError", 15], ["TypeMismatchError", 17], ["SecurityError", 18],
  ["NetworkError", 19], ["AbortError", 20], ["URLMismatchError", 21],
  ["QuotaExceededError", 22], ["TimeoutError", 23], ["InvalidNodeTypeError", 24],
  ["DataCloneError", 25]]);

/**
 * The private part, put on a real Error object: so a DOMException has the engine's stack and
 * Error.isError() knows it.
 */
class Details extends (function (error) { return error; }) {
  #message;
  #name;
  constructor(error, message, name) {
    super(error);
    this.#message = message;
    this.#name = name;
  }
  static has(value) {
    return #name in value;
  }
  static message(error) {
    return error.#message;
  }
  static nameOf(error) {
    return error.#name;
  }
}

class DOMException {
  constructor(message = "", name = "Error") {
    const prefix = "Failed to construct 'DOMException'";
    message = converters.DOMString(message, prefix, "argument 1");
    name = converters.DOMString(name, prefix, "argument 2");
    // V8 writes the message of the constructor's call into the stack; as a property it would hide
    // the prototype's.
    const error = ReflectConstruct(Error, [message], new.target);
    delete error.message;
    new Details(error, message, name);
    return error;
  }

  get name() {
    return Details.nameOf(this);
  }

  get message() {
    return Details.message(this);
  }

  get code() {
    return MapPrototypeGet(legacyCodes, Details.nameOf(this)) ?? 0;
  }
}
ObjectSetPrototypeOf(DOMException.prototype, Error.prototype);
configureInterface(DOMException);
defineConstants(DOMException, {
  INDEX_SIZE_ERR: 1, DOMSTRING_SIZE_ERR: 2, HIERARCHY_REQUEST_ERR: 3, WRONG_DOCUMENT_ERR: 4,
  INVALID_CHARACTER_ERR: 5, NO_DATA_ALLOWED_ERR: 6, NO_MODIFICATION_ALLOWED_ERR: 7,
  NOT_FOUND_ERR: 8, NOT_SUPPORTED_ERR: 9, INUSE_ATTRIBUTE_ERR: 10, INVALID_STATE_ERR: 11,
  SYNTAX_ERR: 12, INVALID_MODIFICATION_ERR: 13, NAMESPACE_ERR: 14, INVALID_ACCESS_ERR: 15,
  VALIDATION_ERR: 16, TYPE_MISMATCH_ERR: 17, SECURITY_ERR: 18, NETWORK_ERR: 19, ABORT_ERR: 20,
  URL_MISMATCH_ERR: 21, QUOTA_EXCEEDED_ERR: 22, TIMEOUT_ERR: 23, INVALID_NODE_TYPE_ERR: 24,
  DATA_CLONE_ERR: 25,
});

internals.DOMException = DOMException;
/** domException("AbortError", "...") reads better at the throwing place than the constructor. */
internals.domException = (name, message) => new DOMException(message, name);
internals.isDOMException = (value) =>
  typeof value === "object" && value !== null && Details.has(value);
internals.defineGlobal("DOMException", DOMException);
