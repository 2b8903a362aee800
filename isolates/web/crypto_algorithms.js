// SubtleCrypto's operations: which algorithm does what, with which key, in which format.
// https://w3c.github.io/webcrypto/#algorithms

const {
  ArrayPrototypeIndexOf, ArrayPrototypePush, JSONParse, JSONStringify, MathCeil, ObjectKeys,
  StringPrototypeToUpperCase, TypedArrayPrototypeGetBuffer, TypedArrayPrototypeGetByteLength,
  Uint8Array,
} = internals.primordials;
const {
  converters, createEnumConverter, createSequenceConverter, isObject, typeError,
} = internals.webidl;
const { domException, load } = internals;
const { algorithmName, copyOf, digestOf, isCryptoKey, makeKey, notSupported, randomBytes } =
  internals.crypto;
const { BufferSource, DOMString } = converters;
load("web/crypto_asymmetric.js");
const { asymmetric, importJwkBytes, exportJwkBytes } = internals.cryptoAsymmetric;

// ---- common -------------------------------------------------------------------------------------

const kUsages = ["encrypt", "decrypt", "sign", "verify", "deriveKey", "deriveBits", "wrapKey",
  "unwrapKey"];
const toUsages = createSequenceConverter(createEnumConverter("KeyUsage", kUsages));
const toFormat = createEnumConverter("KeyFormat", ["raw", "pkcs8", "spki", "jwk"]);

function includes(list, item) {
  return ArrayPrototypeIndexOf(list, item) >= 0;
}

/** In the standard's order, each once; throws for one that is not allowed. */
function normalUsages(usages, allowed) {
  const result = [];
  for (let i = 0; i < usages.length; i++) {
    if (!includes(allowed, usages[i])) {
      throw domException("SyntaxError", `The key usage '${usages[i]}' is not one of this key's`);
    }
  }
  for (let i = 0; i < kUsages.length; i++) {
    if (includes(usages, kUsages[i])) ArrayPrototypePush(result, kUsages[i]);
  }
  return result;
}

function operationError(message) {
  return domException("OperationError", message);
}

function invalidAccess(message) {
  return domException("InvalidAccessError", message);
}

function dataError(message) {
  return domException("DataError", message);
}

/** The entry of `table` that the identifier names, whatever its case. */
function find(algorithm, table, operation, prefix) {
  const given = algorithmName(algorithm, prefix);
  const upper = StringPrototypeToUpperCase(given);
  const names = ObjectKeys(table);
  for (let i = 0; i < names.length; i++) {
    if (StringPrototypeToUpperCase(names[i]) !== upper) continue;
    if (table[names[i]][operation] === undefined) break;
    return { name: names[i], entry: table[names[i]] };
  }
  throw notSupported(given, operation);
}

function checkKey(key, name, usage) {
  if (key.algorithm.name !== name) {
    throw invalidAccess(`The key is for ${key.algorithm.name}, not for ${name}`);
  }
  if (!includes(key.usages, usage)) throw invalidAccess(`The key's usages do not allow ${usage}`);
}

/** A member that is a buffer; `required` or undefined when missing. */
function bufferMember(params, name, prefix, required) {
  const value = isObject(params) ? params[name] : undefined;
  if (value === undefined) {
    if (required) throw typeError(prefix, "algorithm", `has no ${name}.`);
    return undefined;
  }
  return BufferSource(value, prefix, name);
}

function hashMember(params, prefix) {
  const hash = isObject(params) ? params.hash : undefined;
  if (hash === undefined) throw typeError(prefix, "algorithm", "has no hash.");
  const name = digestOf(hash, prefix);
  if (name === "MD5") throw notSupported(name, "keys");
  return name;
}

function lengthMember(params, prefix) {
  const length = isObject(params) ? params.length : undefined;
  return length === undefined ? undefined
    : converters.enforcedUnsignedLong(length, prefix, "length");
}

function byteLength(bytes) {
  return TypedArrayPrototypeGetByteLength(native.viewBytes(bytes));
}

/** The bytes of a secret key in the formats it can come in. */
function secretFrom(format, keyData, alg, extractable, usages, use) {
  if (format === "raw") return keyData;
  if (format !== "jwk") throw notSupported(format, "a secret key");
  return importJwkBytes(keyData, alg, extractable, usages, use);
}

function exportSecret(format, key, alg) {
  if (format === "raw") return TypedArrayPrototypeGetBuffer(copyOf(key.bytes));
  if (format !== "jwk") throw notSupported(format, "a secret key");
  return exportJwkBytes(key, alg);
}

// ---- HMAC ---------------------------------------------------------------------------------------

const hmacBlockBits = { "SHA-1": 512, "SHA-256": 512, "SHA-384": 1024, "SHA-512": 1024 };
const hmacJwkAlg = { "SHA-1": "HS1", "SHA-256": "HS256", "SHA-384": "HS384", "SHA-512": "HS512" };

function makeHmacKey(hash, bytes, length, extractable, usages) {
  return makeKey("secret", extractable, { name: "HMAC", length, hash: { name: hash } }, usages,
    bytes);
}

/** https://w3c.github.io/webcrypto/#hmac */
const hmac = {
  sign: (params, key, data) => native.hmac(key.algorithm.hash.name, key.bytes, data),
  verify(params, key, signature, data) {
    const expected = native.hmac(key.algorithm.hash.name, key.bytes, data);
    return byteLength(signature) === byteLength(expected) && native.sameBytes(signature, expected);
  },
  generateKey(params, extractable, usages, prefix) {
    const hash = hashMember(params, prefix);
    const length = lengthMember(params, prefix) ?? hmacBlockBits[hash];
    if (length === 0 || length % 8 !== 0 || length > 65536) {
      throw operationError("The length of an HMAC key must be 8 to 65536 bits, in whole bytes");
    }
    return makeHmacKey(hash, randomBytes(length / 8), length, extractable,
      normalUsages(usages, ["sign", "verify"]));
  },
  importKey(format, keyData, params, extractable, usages, prefix) {
    usages = normalUsages(usages, ["sign", "verify"]);
    const hash = hashMember(params, prefix);
    const bytes = secretFrom(format, keyData, hmacJwkAlg[hash], extractable, usages, "sig");
    const given = byteLength(bytes) * 8;
    const length = lengthMember(params, prefix) ?? given;
    if (given === 0) throw dataError("An HMAC key must not be empty");
    if (length !== given) throw dataError(`The key has ${given} bits, not ${length}`);
    return makeHmacKey(hash, bytes, length, extractable, usages);
  },
  exportKey: (format, key) => exportSecret(format, key, hmacJwkAlg[key.algorithm.hash.name]),
  keyLength: (params, prefix) =>
    lengthMember(params, prefix) ?? hmacBlockBits[hashMember(params, prefix)],
};

// ---- AES ----------------------------------------------------------------------------------------

const noBytes = new Uint8Array(0);
const kGcmTagBits = [32, 64, 96, 104, 112, 120, 128];

function gcmCipher(encrypt, params, key, data, prefix) {
  const extra = bufferMember(params, "additionalData", prefix, false) ?? noBytes;
  const iv = bufferMember(params, "iv", prefix, true);
  const given = params.tagLength;
  const tagBits = given === undefined ? 128 : converters.octet(given, prefix, "tagLength",
    { enforceRange: true });
  if (byteLength(iv) === 0) throw operationError("The iv is empty");
  if (!includes(kGcmTagBits, tagBits)) throw operationError(`No tag has ${tagBits} bits`);
  return native.aes("GCM", encrypt, key.bytes, iv, extra, tagBits / 8, data);
}

function cbcCipher(encrypt, params, key, data, prefix) {
  const iv = bufferMember(params, "iv", prefix, true);
  if (byteLength(iv) !== 16) throw operationError("The iv must have 16 bytes");
  return native.aes("CBC", encrypt, key.bytes, iv, noBytes, 0, data);
}

function ctrCipher(encrypt, params, key, data, prefix) {
  const counter = bufferMember(params, "counter", prefix, true);
  const length = converters.octet(params.length, prefix, "length", { enforceRange: true });
  if (byteLength(counter) !== 16) throw operationError("The counter must have 16 bytes");
  if (length === 0 || length > 128) throw operationError("The counter's length is 1 to 128 bits");
  // OpenSSL counts on all 128 bits: the same, as long as the counter's own bits do not overflow.
  const blocks = MathCeil(byteLength(data) / 16);
  if (length < 53) {
    const bytes = native.viewBytes(counter);
    let value = 0;
    for (let bit = 0; bit < length; bit++) {
      if (bytes[15 - (bit >> 3)] & (1 << (bit & 7))) value += 2 ** bit;
    }
    if (blocks > 2 ** length) throw operationError("The data is too long for the counter");
    if (value + blocks > 2 ** length) {
      throw notSupported("AES-CTR with a counter that wraps around", "encrypt");
    }
  }
  return native.aes("CTR", encrypt, key.bytes, counter, noBytes, 0, data);
}

/** https://w3c.github.io/webcrypto/#aes-gcm and its like */
function aes(name, suffix, cipher) {
  const allowed = ["encrypt", "decrypt", "wrapKey", "unwrapKey"];
  const jwkAlg = (bytes) => `A${bytes * 8}${suffix}`;
  const checkedLength = (params, prefix, error) => {
    const length = lengthMember(params, prefix);
    if (length !== 128 && length !== 192 && length !== 256) {
      throw error("An AES key has 128, 192 or 256 bits");
    }
    return length;
  };
  return {
    encrypt: (params, key, data, prefix) => cipher(true, params, key, data, prefix),
    decrypt(params, key, data, prefix) {
      const result = cipher(false, params, key, data, prefix);
      // One error for all causes: which it was would help an attacker only.
      if (result === undefined) throw operationError("The data could not be decrypted");
      return result;
    },
    generateKey(params, extractable, usages, prefix) {
      const length = checkedLength(params, prefix, operationError);
      return makeKey("secret", extractable, { name, length }, normalUsages(usages, allowed),
        randomBytes(length / 8));
    },
    importKey(format, keyData, params, extractable, usages) {
      usages = normalUsages(usages, allowed);
      const bytes = secretFrom(format, keyData, (length) => jwkAlg(length), extractable, usages,
        "enc");
      const length = byteLength(bytes) * 8;
      if (length !== 128 && length !== 192 && length !== 256) {
        throw dataError("An AES key has 128, 192 or 256 bits");
      }
      return makeKey("secret", extractable, { name, length }, usages, bytes);
    },
    exportKey: (format, key) => exportSecret(format, key, jwkAlg(byteLength(key.bytes))),
    keyLength: (params, prefix) => checkedLength(params, prefix, operationError),
  };
}

// ---- key derivation -----------------------------------------------------------------------------

const kIterationsMax = 100_000;

/** Imports for algorithms whose key is only ever a secret to derive from. */
function derivationKey(name) {
  return (format, keyData, params, extractable, usages) => {
    if (format !== "raw") throw notSupported(format, `a ${name} key`);
    usages = normalUsages(usages, ["deriveKey", "deriveBits"]);
    if (extractable) throw domException("SyntaxError", `A ${name} key cannot be extractable`);
    return makeKey("secret", false, { name }, usages, keyData);
  };
}

function derivedBytes(length) {
  if (length === null || length % 8 !== 0 || length > 8 * 1024 * 1024) {
    throw operationError("The length must be given in bits, a multiple of 8, at most a megabyte");
  }
  return length / 8;
}

/** https://w3c.github.io/webcrypto/#pbkdf2 */
const pbkdf2 = {
  importKey: derivationKey("PBKDF2"),
  deriveBits(params, key, length, prefix) {
    const hash = hashMember(params, prefix);
    const iterations = converters.enforcedUnsignedLong(params.iterations, prefix, "iterations");
    const salt = bufferMember(params, "salt", prefix, true);
    if (iterations === 0) throw operationError("iterations must not be 0");
    if (iterations > kIterationsMax) {
      throw notSupported(`PBKDF2 with more than ${kIterationsMax} iterations`, "deriveBits");
    }
    return native.pbkdf2(hash, key.bytes, salt, iterations, derivedBytes(length));
  },
};

/** https://w3c.github.io/webcrypto/#hkdf */
const hkdf = {
  importKey: derivationKey("HKDF"),
  deriveBits(params, key, length, prefix) {
    const hash = hashMember(params, prefix);
    const info = bufferMember(params, "info", prefix, true);
    const salt = bufferMember(params, "salt", prefix, true);
    const bits = native.hkdf(hash, key.bytes, salt, info, derivedBytes(length));
    if (bits === undefined) throw operationError("HKDF cannot give that many bits");
    return bits;
  },
};

// ---- the operations -----------------------------------------------------------------------------

const table = {
  __proto__: null,
  HMAC: hmac,
  "AES-GCM": aes("AES-GCM", "GCM", gcmCipher),
  "AES-CBC": aes("AES-CBC", "CBC", cbcCipher),
  "AES-CTR": aes("AES-CTR", "CTR", ctrCipher),
  PBKDF2: pbkdf2,
  HKDF: hkdf,
  ...asymmetric,
};

function toKeyData(format, keyData, prefix) {
  if (format !== "jwk") return copyOf(BufferSource(keyData, prefix, "argument 2"));
  if (!isObject(keyData)) throw typeError(prefix, "argument 2", "is not a JsonWebKey.");
  return keyData;
}

/** A secret or private key without usages can do nothing: the standard refuses to make it. */
function refuseUseless(result) {
  const key = isCryptoKey(result) ? result : result.privateKey;
  const { type, usages } = internals.crypto.secretOf(key);
  if (type !== "public" && usages.length === 0) {
    throw domException("SyntaxError", "The key needs at least one usage");
  }
  return result;
}

function importKey(format, keyData, algorithm, extractable, keyUsages, prefix) {
  format = toFormat(format, prefix, "argument 1");
  keyData = toKeyData(format, keyData, prefix);
  const usages = toUsages(keyUsages, prefix, "argument 5");
  const { entry } = find(algorithm, table, "importKey", prefix);
  return refuseUseless(entry.importKey(format, keyData, algorithm, extractable, usages, prefix));
}

function exportKey(format, key, prefix) {
  format = toFormat(format, prefix, "argument 1");
  const entry = table[key.algorithm.name];
  if (entry.exportKey === undefined) throw notSupported(key.algorithm.name, "exportKey");
  if (!key.extractable) throw invalidAccess("The key is not extractable");
  return entry.exportKey(format, key);
}

function deriveBitsFor(algorithm, key, length, usage, prefix) {
  const { name, entry } = find(algorithm, table, "deriveBits", prefix);
  checkKey(key, name, usage);
  return entry.deriveBits(algorithm, key, length, prefix);
}

function encryptFor(algorithm, key, data, usage, prefix) {
  const { name, entry } = find(algorithm, table, "encrypt", prefix);
  checkKey(key, name, usage);
  return entry.encrypt(algorithm, key, data, prefix);
}

function decryptFor(algorithm, key, data, usage, prefix) {
  const { name, entry } = find(algorithm, table, "decrypt", prefix);
  checkKey(key, name, usage);
  return entry.decrypt(algorithm, key, data, prefix);
}

internals.cryptoAlgorithms = {
  importKey, exportKey,
  encrypt: (algorithm, key, data, prefix) => encryptFor(algorithm, key, data, "encrypt", prefix),
  decrypt: (algorithm, key, data, prefix) => decryptFor(algorithm, key, data, "decrypt", prefix),
  sign(algorithm, key, data, prefix) {
    const { name, entry } = find(algorithm, table, "sign", prefix);
    checkKey(key, name, "sign");
    return entry.sign(algorithm, key, data, prefix);
  },
  verify(algorithm, key, signature, data, prefix) {
    const { name, entry } = find(algorithm, table, "verify", prefix);
    checkKey(key, name, "verify");
    return entry.verify(algorithm, key, signature, data, prefix);
  },
  generateKey(algorithm, extractable, keyUsages, prefix) {
    const usages = toUsages(keyUsages, prefix, "argument 3");
    const { entry } = find(algorithm, table, "generateKey", prefix);
    return refuseUseless(entry.generateKey(algorithm, extractable, usages, prefix));
  },
  deriveBits(algorithm, key, length, prefix) {
    if (length !== null) length = converters.unsignedLong(length, prefix, "argument 3");
    return deriveBitsFor(algorithm, key, length, "deriveBits", prefix);
  },
  deriveKey(algorithm, key, derivedKeyType, extractable, keyUsages, prefix) {
    const usages = toUsages(keyUsages, prefix, "argument 5");
    const { entry } = find(derivedKeyType, table, "keyLength", prefix);
    const length = entry.keyLength(derivedKeyType, prefix);
    const bytes = copyOf(deriveBitsFor(algorithm, key, length, "deriveKey", prefix));
    return refuseUseless(
      entry.importKey("raw", bytes, derivedKeyType, extractable, usages, prefix));
  },
  wrapKey(format, key, wrappingKey, algorithm, prefix) {
    let exported = exportKey(format, key, prefix);
    if (format === "jwk") exported = native.textToBytes(JSONStringify(exported));
    return encryptFor(algorithm, wrappingKey, exported, "wrapKey", prefix);
  },
  unwrapKey(format, wrapped, key, algorithm, keyAlgorithm, extractable, keyUsages, prefix) {
    let keyData = decryptFor(algorithm, key, wrapped, "unwrapKey", prefix);
    if (format === "jwk") {
      try {
        keyData = JSONParse(native.bytesToText(keyData));
      } catch {
        throw dataError("The unwrapped key is not a JsonWebKey");
      }
    }
    return importKey(format, keyData, keyAlgorithm, extractable, keyUsages, prefix);
  },
};
