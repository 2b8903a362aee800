// crypto: random values, digests, keys and the SubtleCrypto interface.
// https://w3c.github.io/webcrypto/
// What algorithms do is in crypto_operations.js and the files it names, run on first use.

const {
  ArrayPrototypePush, ArrayPrototypeSlice, ObjectDefineProperty, Set, SetPrototypeAdd,
  SetPrototypeHas, TypedArrayPrototypeGetByteLength, TypedArrayPrototypeGetSymbolToStringTag,
  Uint8Array,
} = internals.primordials;
const {
  configureInterface, converters, illegalConstructor, isObject, requiredArguments, typeError,
} = internals.webidl;
const { defineGlobal, domException, kConstruct, load } = internals;
const { BufferSource, DOMString } = converters;

// ---- keys ---------------------------------------------------------------------------------------

let secretOf;

/** https://w3c.github.io/webcrypto/#cryptokey-interface */
class CryptoKey {
  #type;
  #extractable;
  #algorithm;
  #usages;
  /** Raw bytes of a secret key, DER of the others: a Uint8Array no tenant sees. */
  #secret;
  // What a tenant sees of the two, made when asked for: what it writes there changes nothing.
  #shownAlgorithm = null;
  #shownUsages = null;

  constructor(token = undefined, type, extractable, algorithm, usages, secret) {
    if (token !== kConstruct) throw illegalConstructor();
    this.#type = type;
    this.#extractable = extractable;
    this.#algorithm = algorithm;
    this.#usages = usages;
    this.#secret = secret;
  }

  get type() {
    return this.#type;
  }
  get extractable() {
    return this.#extractable;
  }
  get algorithm() {
    if (this.#shownAlgorithm === null) this.#shownAlgorithm = showAlgorithm(this.#algorithm);
    return this.#shownAlgorithm;
  }
  get usages() {
    if (this.#shownUsages === null) this.#shownUsages = ArrayPrototypeSlice(this.#usages);
    return this.#shownUsages;
  }

  static {
    secretOf = (key) => ({ type: key.#type, extractable: key.#extractable,
      algorithm: key.#algorithm, usages: key.#usages, bytes: key.#secret });
    this.isInstance = (value) => isObject(value) && #secret in value;
    this.clone = (key) => new CryptoKey(kConstruct, key.#type, key.#extractable, key.#algorithm,
      key.#usages, key.#secret);
  }
}
const { isInstance: isCryptoKey, clone: cloneKey } = CryptoKey;
delete CryptoKey.isInstance;
delete CryptoKey.clone;
configureInterface(CryptoKey);
internals.cloneable ??= [];
ArrayPrototypePush(internals.cloneable, (object) =>
  isCryptoKey(object) ? cloneKey(object) : undefined);

/** A copy, all the way down. */
function showAlgorithm(algorithm) {
  const shown = { ...algorithm };
  if (shown.hash !== undefined) shown.hash = { ...shown.hash };
  if (shown.publicExponent !== undefined) {
    shown.publicExponent = native.copyBytes(shown.publicExponent);
  }
  return shown;
}

/** `algorithm` is a plain object of ours, `usages` our array, `bytes` our Uint8Array. */
function makeKey(type, extractable, algorithm, usages, bytes) {
  return new CryptoKey(kConstruct, type, extractable, algorithm, usages, bytes);
}

function notSupported(name, operation) {
  return domException("NotSupportedError",
    `The algorithm '${name}' is not supported for ${operation}`);
}

// ---- SubtleCrypto -------------------------------------------------------------------------------

/** The commonest digests by the names they are mostly given. */
const digests = new Set(["SHA-256", "SHA-1", "SHA-384", "SHA-512"]);

function operations() {
  load("web/crypto_operations.js");
  return internals.cryptoOperations;
}

function toKey(value, prefix, argument) {
  if (!isCryptoKey(value)) throw typeError(prefix, argument, "is not of type 'CryptoKey'.");
  return secretOf(value);
}

function toAlgorithm(value, prefix, argument) {
  return isObject(value) ? value : DOMString(value, prefix, argument);
}

function prefixOf(method) {
  return `Failed to execute '${method}' on 'SubtleCrypto'`;
}

/**
 * https://w3c.github.io/webcrypto/#subtlecrypto-interface. Async functions: whatever is thrown
 * rejects. Nearly all of them finish before they return; the work is the script's CPU time.
 */
class SubtleCrypto {
  #brand;

  constructor(token = undefined) {
    if (token !== kConstruct) throw illegalConstructor();
  }

  async digest(algorithm, data) {
    this.#brand;
    const prefix = prefixOf("digest");
    requiredArguments(arguments.length, 2, prefix);
    algorithm = toAlgorithm(algorithm, prefix, "argument 1");
    data = BufferSource(data, prefix, "argument 2");
    if (SetPrototypeHas(digests, algorithm)) return native.digest(algorithm, data);
    return operations().operations.digest(algorithm, data, prefix);
  }

  async encrypt(algorithm, key, data) {
    this.#brand;
    const prefix = prefixOf("encrypt");
    requiredArguments(arguments.length, 3, prefix);
    return operations().operations.encrypt(toAlgorithm(algorithm, prefix, "argument 1"),
      toKey(key, prefix, "argument 2"), BufferSource(data, prefix, "argument 3"), prefix);
  }

  async decrypt(algorithm, key, data) {
    this.#brand;
    const prefix = prefixOf("decrypt");
    requiredArguments(arguments.length, 3, prefix);
    return operations().operations.decrypt(toAlgorithm(algorithm, prefix, "argument 1"),
      toKey(key, prefix, "argument 2"), BufferSource(data, prefix, "argument 3"), prefix);
  }

  async sign(algorithm, key, data) {
    this.#brand;
    const prefix = prefixOf("sign");
    requiredArguments(arguments.length, 3, prefix);
    return operations().operations.sign(toAlgorithm(algorithm, prefix, "argument 1"),
      toKey(key, prefix, "argument 2"), BufferSource(data, prefix, "argument 3"), prefix);
  }

  async verify(algorithm, key, signature, data) {
    this.#brand;
    const prefix = prefixOf("verify");
    requiredArguments(arguments.length, 4, prefix);
    return operations().operations.verify(toAlgorithm(algorithm, prefix, "argument 1"),
      toKey(key, prefix, "argument 2"), BufferSource(signature, prefix, "argument 3"),
      BufferSource(data, prefix, "argument 4"), prefix);
  }

  async generateKey(algorithm, extractable, keyUsages) {
    this.#brand;
    const prefix = prefixOf("generateKey");
    requiredArguments(arguments.length, 3, prefix);
    const { operations: all, toUsages } = operations();
    return all.generateKey(toAlgorithm(algorithm, prefix, "argument 1"), !!extractable,
      toUsages(keyUsages, prefix, "argument 3"), prefix);
  }

  async importKey(format, keyData, algorithm, extractable, keyUsages) {
    this.#brand;
    const prefix = prefixOf("importKey");
    requiredArguments(arguments.length, 5, prefix);
    const { operations: all, toFormat, toKeyData, toUsages } = operations();
    return all.importKey(toFormat(format, prefix, "argument 1"),
      toKeyData(keyData, prefix, "argument 2"), toAlgorithm(algorithm, prefix, "argument 3"),
      !!extractable, toUsages(keyUsages, prefix, "argument 5"), prefix);
  }

  async exportKey(format, key) {
    this.#brand;
    const prefix = prefixOf("exportKey");
    requiredArguments(arguments.length, 2, prefix);
    const { operations: all, toFormat } = operations();
    return all.exportKey(toFormat(format, prefix, "argument 1"), toKey(key, prefix, "argument 2"),
      prefix);
  }

  async deriveBits(algorithm, baseKey, length = null) {
    this.#brand;
    const prefix = prefixOf("deriveBits");
    requiredArguments(arguments.length, 2, prefix);
    const { operations: all, toLength } = operations();
    return all.deriveBits(toAlgorithm(algorithm, prefix, "argument 1"),
      toKey(baseKey, prefix, "argument 2"), toLength(length, prefix, "argument 3"), prefix);
  }

  async deriveKey(algorithm, baseKey, derivedKeyType, extractable, keyUsages) {
    this.#brand;
    const prefix = prefixOf("deriveKey");
    requiredArguments(arguments.length, 5, prefix);
    const { operations: all, toUsages } = operations();
    return all.deriveKey(toAlgorithm(algorithm, prefix, "argument 1"),
      toKey(baseKey, prefix, "argument 2"), toAlgorithm(derivedKeyType, prefix, "argument 3"),
      !!extractable, toUsages(keyUsages, prefix, "argument 5"), prefix);
  }

  async wrapKey(format, key, wrappingKey, wrapAlgorithm) {
    this.#brand;
    const prefix = prefixOf("wrapKey");
    requiredArguments(arguments.length, 4, prefix);
    const { operations: all, toFormat } = operations();
    return all.wrapKey(toFormat(format, prefix, "argument 1"), toKey(key, prefix, "argument 2"),
      toKey(wrappingKey, prefix, "argument 3"), toAlgorithm(wrapAlgorithm, prefix, "argument 4"),
      prefix);
  }

  async unwrapKey(format, wrappedKey, unwrappingKey, unwrapAlgorithm, unwrappedKeyAlgorithm,
    extractable, keyUsages) {
    this.#brand;
    const prefix = prefixOf("unwrapKey");
    requiredArguments(arguments.length, 7, prefix);
    const { operations: all, toFormat, toUsages } = operations();
    return all.unwrapKey(toFormat(format, prefix, "argument 1"),
      BufferSource(wrappedKey, prefix, "argument 2"), toKey(unwrappingKey, prefix, "argument 3"),
      toAlgorithm(unwrapAlgorithm, prefix, "argument 4"),
      toAlgorithm(unwrappedKeyAlgorithm, prefix, "argument 5"), !!extractable,
      toUsages(keyUsages, prefix, "argument 7"), prefix);
  }

  async getPublicKey(key, keyUsages) {
    this.#brand;
    const prefix = prefixOf("getPublicKey");
    requiredArguments(arguments.length, 2, prefix);
    const { operations: all, toUsages } = operations();
    return all.getPublicKey(toKey(key, prefix, "argument 1"),
      toUsages(keyUsages, prefix, "argument 2"), prefix);
  }

  async encapsulateBits(encapsulationAlgorithm, encapsulationKey) {
    this.#brand;
    const prefix = prefixOf("encapsulateBits");
    requiredArguments(arguments.length, 2, prefix);
    return operations().operations.encapsulateBits(
      toAlgorithm(encapsulationAlgorithm, prefix, "argument 1"),
      toKey(encapsulationKey, prefix, "argument 2"), prefix);
  }

  async encapsulateKey(encapsulationAlgorithm, encapsulationKey, sharedKeyAlgorithm, extractable,
    keyUsages) {
    this.#brand;
    const prefix = prefixOf("encapsulateKey");
    requiredArguments(arguments.length, 5, prefix);
    const { operations: all, toUsages } = operations();
    return all.encapsulateKey(toAlgorithm(encapsulationAlgorithm, prefix, "argument 1"),
      toKey(encapsulationKey, prefix, "argument 2"),
      toAlgorithm(sharedKeyAlgorithm, prefix, "argument 3"), !!extractable,
      toUsages(keyUsages, prefix, "argument 5"), prefix);
  }

  async decapsulateBits(decapsulationAlgorithm, decapsulationKey, ciphertext) {
    this.#brand;
    const prefix = prefixOf("decapsulateBits");
    requiredArguments(arguments.length, 3, prefix);
    return operations().operations.decapsulateBits(
      toAlgorithm(decapsulationAlgorithm, prefix, "argument 1"),
      toKey(decapsulationKey, prefix, "argument 2"), BufferSource(ciphertext, prefix, "argument 3"),
      prefix);
  }

  async decapsulateKey(decapsulationAlgorithm, decapsulationKey, ciphertext, sharedKeyAlgorithm,
    extractable, keyUsages) {
    this.#brand;
    const prefix = prefixOf("decapsulateKey");
    requiredArguments(arguments.length, 6, prefix);
    const { operations: all, toUsages } = operations();
    return all.decapsulateKey(toAlgorithm(decapsulationAlgorithm, prefix, "argument 1"),
      toKey(decapsulationKey, prefix, "argument 2"), BufferSource(ciphertext, prefix, "argument 3"),
      toAlgorithm(sharedKeyAlgorithm, prefix, "argument 4"), !!extractable,
      toUsages(keyUsages, prefix, "argument 6"), prefix);
  }

  /** https://wicg.github.io/webcrypto-modern-algos/#SubtleCrypto-method-supports */
  static supports(operation, algorithm, lengthOrAdditionalAlgorithm = null) {
    const prefix = prefixOf("supports");
    requiredArguments(arguments.length, 2, prefix);
    return operations().supportsOperation(DOMString(operation, prefix, "argument 1"),
      toAlgorithm(algorithm, prefix, "argument 2"), lengthOrAdditionalAlgorithm, prefix);
  }

  /** Of the platform, not the standard: the time it takes does not tell where they differ. */
  timingSafeEqual(a, b) {
    this.#brand;
    const prefix = prefixOf("timingSafeEqual");
    requiredArguments(arguments.length, 2, prefix);
    BufferSource(a, prefix, "argument 1");
    BufferSource(b, prefix, "argument 2");
    return native.sameBytes(a, b);
  }
}
configureInterface(SubtleCrypto);

// ---- Crypto -------------------------------------------------------------------------------------

const integerArrays = new Set();
const integerNames = ["Int8Array", "Uint8Array", "Uint8ClampedArray", "Int16Array", "Uint16Array",
  "Int32Array", "Uint32Array", "BigInt64Array", "BigUint64Array"];
for (let i = 0; i < integerNames.length; i++) SetPrototypeAdd(integerArrays, integerNames[i]);

const kRandomBytesMax = 65536;

class Crypto {
  #subtle = new SubtleCrypto(kConstruct);

  constructor(token = undefined) {
    if (token !== kConstruct) throw illegalConstructor();
  }

  get subtle() {
    return this.#subtle;
  }

  /** https://w3c.github.io/webcrypto/#Crypto-method-getRandomValues */
  getRandomValues(array) {
    this.#subtle;
    const prefix = "Failed to execute 'getRandomValues' on 'Crypto'";
    requiredArguments(arguments.length, 1, prefix);
    converters.ArrayBufferView(array, prefix, "argument 1");
    const kind = TypedArrayPrototypeGetSymbolToStringTag(array);
    if (kind === undefined || !SetPrototypeHas(integerArrays, kind)) {
      throw domException("TypeMismatchError", prefix + ": argument 1 is not an integer array.");
    }
    const bytes = TypedArrayPrototypeGetByteLength(array);
    if (bytes > kRandomBytesMax) {
      load("web/quota_exceeded.js");
      throw internals.quotaExceeded(
        `${prefix}: ${bytes} bytes were asked for, more than ${kRandomBytesMax}.`);
    }
    internals.kernel.currentInvocation();
    native.randomFill(array);
    return array;
  }

  /** https://w3c.github.io/webcrypto/#Crypto-method-randomUUID */
  randomUUID() {
    this.#subtle;
    internals.kernel.currentInvocation();
    return native.randomUuid();
  }
}
configureInterface(Crypto);

/** On first touch, as the streams it is made of are not for everybody. */
ObjectDefineProperty(Crypto.prototype, "DigestStream", {
  __proto__: null,
  get() {
    load("web/crypto_digest_stream.js");
    return internals.DigestStream;
  },
  enumerable: true,
  configurable: true,
});

internals.crypto = {
  isCryptoKey, makeKey, notSupported, secretOf, toAlgorithm,
  currentInvocation: internals.kernel.currentInvocation,
  randomBytes(count) {
    const bytes = new Uint8Array(count);
    internals.kernel.currentInvocation();
    native.randomFill(bytes);
    return bytes;
  },
  /** The bytes of any buffer source, as a Uint8Array of its own. */
  copyOf: (source) => native.copyBytes(source),
};

defineGlobal("Crypto", Crypto);
defineGlobal("SubtleCrypto", SubtleCrypto);
defineGlobal("CryptoKey", CryptoKey);
defineGlobal("crypto", new Crypto(kConstruct));
