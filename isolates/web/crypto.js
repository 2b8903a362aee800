// crypto: random values, digests and the SubtleCrypto interface. https://w3c.github.io/webcrypto/
// The algorithms that use keys are in crypto_algorithms.js, run on first use.

const {
  ArrayPrototypePush, ArrayPrototypeSlice, Set, SetPrototypeAdd, SetPrototypeHas,
  StringPrototypeToUpperCase, TypedArrayPrototypeGetByteLength,
  TypedArrayPrototypeGetSymbolToStringTag, Uint8Array,
} = internals.primordials;
const {
  configureInterface, converters, illegalConstructor, isObject, requiredArguments, typeError,
  viewBuffer,
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
  // The cached object of the standard: what a tenant writes into it changes nothing.
  get algorithm() {
    return this.#algorithm.public;
  }
  get usages() {
    return this.#usages.public;
  }

  static {
    secretOf = (key) => ({ type: key.#type, extractable: key.#extractable,
      algorithm: key.#algorithm.own, usages: key.#usages.own, bytes: key.#secret });
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

/** `algorithm` is a plain object of ours, `usages` an array of ours. */
function makeKey(type, extractable, algorithm, usages, bytes) {
  const shown = { ...algorithm };
  if (isObject(shown.hash)) shown.hash = { ...shown.hash };
  return new CryptoKey(kConstruct, type, extractable, { own: algorithm, public: shown },
    { own: usages, public: ArrayPrototypeSlice(usages) }, bytes);
}

// ---- digests ------------------------------------------------------------------------------------

const digestNames = ["SHA-1", "SHA-256", "SHA-384", "SHA-512", "MD5"];

/** The name of an AlgorithmIdentifier, not yet in its normal case. */
function algorithmName(algorithm, prefix) {
  if (!isObject(algorithm)) return DOMString(algorithm, prefix, "algorithm");
  const { name } = algorithm;
  if (name === undefined) throw typeError(prefix, "algorithm", "has no name.");
  return DOMString(name, prefix, "name of algorithm");
}

/** The digest that an AlgorithmIdentifier names, whatever its case. */
function digestOf(algorithm, prefix) {
  const name = algorithmName(algorithm, prefix);
  const upper = StringPrototypeToUpperCase(name);
  for (let i = 0; i < digestNames.length; i++) {
    if (digestNames[i] === upper) return upper;
  }
  throw notSupported(name, "digest");
}

function notSupported(name, operation) {
  return domException("NotSupportedError",
    `The algorithm '${name}' is not supported for ${operation}`);
}

// ---- SubtleCrypto -------------------------------------------------------------------------------

/** The operations with keys. */
function algorithms() {
  load("web/crypto_algorithms.js");
  return internals.cryptoAlgorithms;
}

function toKey(value, prefix, argument) {
  if (!isCryptoKey(value)) throw typeError(prefix, argument, "is not of type 'CryptoKey'.");
  return secretOf(value);
}

function prefixOf(method) {
  return `Failed to execute '${method}' on 'SubtleCrypto'`;
}

/**
 * https://w3c.github.io/webcrypto/#subtlecrypto-interface. Async functions: whatever is thrown
 * rejects. All of them finish before they return; the work is the script's CPU time.
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
    const name = digestOf(algorithm, prefix);
    return native.digest(name, BufferSource(data, prefix, "argument 2"));
  }

  async encrypt(algorithm, key, data) {
    this.#brand;
    const prefix = prefixOf("encrypt");
    requiredArguments(arguments.length, 3, prefix);
    return algorithms().encrypt(algorithm, toKey(key, prefix, "argument 2"),
      BufferSource(data, prefix, "argument 3"), prefix);
  }

  async decrypt(algorithm, key, data) {
    this.#brand;
    const prefix = prefixOf("decrypt");
    requiredArguments(arguments.length, 3, prefix);
    return algorithms().decrypt(algorithm, toKey(key, prefix, "argument 2"),
      BufferSource(data, prefix, "argument 3"), prefix);
  }

  async sign(algorithm, key, data) {
    this.#brand;
    const prefix = prefixOf("sign");
    requiredArguments(arguments.length, 3, prefix);
    return algorithms().sign(algorithm, toKey(key, prefix, "argument 2"),
      BufferSource(data, prefix, "argument 3"), prefix);
  }

  async verify(algorithm, key, signature, data) {
    this.#brand;
    const prefix = prefixOf("verify");
    requiredArguments(arguments.length, 4, prefix);
    return algorithms().verify(algorithm, toKey(key, prefix, "argument 2"),
      BufferSource(signature, prefix, "argument 3"), BufferSource(data, prefix, "argument 4"),
      prefix);
  }

  async generateKey(algorithm, extractable, keyUsages) {
    this.#brand;
    const prefix = prefixOf("generateKey");
    requiredArguments(arguments.length, 3, prefix);
    return algorithms().generateKey(algorithm, !!extractable, keyUsages, prefix);
  }

  async importKey(format, keyData, algorithm, extractable, keyUsages) {
    this.#brand;
    const prefix = prefixOf("importKey");
    requiredArguments(arguments.length, 5, prefix);
    return algorithms().importKey(format, keyData, algorithm, !!extractable, keyUsages, prefix);
  }

  async exportKey(format, key) {
    this.#brand;
    const prefix = prefixOf("exportKey");
    requiredArguments(arguments.length, 2, prefix);
    return algorithms().exportKey(format, toKey(key, prefix, "argument 2"), prefix);
  }

  async deriveBits(algorithm, baseKey, length = null) {
    this.#brand;
    const prefix = prefixOf("deriveBits");
    requiredArguments(arguments.length, 2, prefix);
    return algorithms().deriveBits(algorithm, toKey(baseKey, prefix, "argument 2"), length, prefix);
  }

  async deriveKey(algorithm, baseKey, derivedKeyType, extractable, keyUsages) {
    this.#brand;
    const prefix = prefixOf("deriveKey");
    requiredArguments(arguments.length, 5, prefix);
    return algorithms().deriveKey(algorithm, toKey(baseKey, prefix, "argument 2"), derivedKeyType,
      !!extractable, keyUsages, prefix);
  }

  async wrapKey(format, key, wrappingKey, wrapAlgorithm) {
    this.#brand;
    const prefix = prefixOf("wrapKey");
    requiredArguments(arguments.length, 4, prefix);
    return algorithms().wrapKey(format, toKey(key, prefix, "argument 2"),
      toKey(wrappingKey, prefix, "argument 3"), wrapAlgorithm, prefix);
  }

  async unwrapKey(format, wrappedKey, unwrappingKey, unwrapAlgorithm, keyAlgorithm, extractable,
    keyUsages) {
    this.#brand;
    const prefix = prefixOf("unwrapKey");
    requiredArguments(arguments.length, 7, prefix);
    return algorithms().unwrapKey(format, BufferSource(wrappedKey, prefix, "argument 2"),
      toKey(unwrappingKey, prefix, "argument 3"), unwrapAlgorithm, keyAlgorithm, !!extractable,
      keyUsages, prefix);
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
      throw domException("QuotaExceededError",
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

internals.crypto = {
  algorithmName, digestOf, isCryptoKey, makeKey, notSupported, secretOf,
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
