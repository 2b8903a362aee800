// The operations of SubtleCrypto, whatever the algorithm.
// https://w3c.github.io/webcrypto/#SubtleCrypto-interface

const {
  ArrayBufferIsView, ArrayPrototypeIndexOf, JSONParse, JSONStringify, TypeError,
  TypedArrayPrototypeGetBuffer,
} = internals.primordials;
const { converters, createEnumConverter, createSequenceConverter, isArrayBuffer } =
  internals.webidl;
const { load } = internals;
const { copyOf, isCryptoKey, makeKey, notSupported, secretOf } = internals.crypto;
load("web/crypto_normalize.js");
load("web/crypto_common.js");
const { implementation, normalize, supports, toJwk } = internals.cryptoNormalize;
const {
  bufferOf, checkType, checkUsages, dataError, done, includes, invalidAccess, kUsages, read,
  syntaxError,
} = internals.cryptoCommon;

const toUsages = createSequenceConverter(createEnumConverter("KeyUsage", kUsages));
const toFormat = createEnumConverter("KeyFormat", ["raw-public", "raw-private", "raw-seed",
  "raw-secret", "raw", "spki", "pkcs8", "jwk"]);

// ---- checks -------------------------------------------------------------------------------------

function checkKey(key, params, usage) {
  if (key.algorithm.name !== params.name) {
    throw invalidAccess(`The key is for ${key.algorithm.name}, not for ${params.name}`);
  }
  if (!includes(key.usages, usage)) throw invalidAccess(`The key's usages do not allow ${usage}`);
}

/** A secret or private key without usages can do nothing: the standard refuses to make it. */
function refuseUseless(result) {
  const { type, usages } = secretOf(isCryptoKey(result) ? result : result.privateKey);
  if (type !== "public" && usages.length === 0) {
    throw syntaxError("The key needs at least one usage");
  }
  return result;
}

/** Of `algorithm`'s own operation of that name or, where it has none, of `fallback`. */
function normalizeEither(operation, fallback, algorithm, prefix) {
  try {
    return { params: normalize(operation, algorithm, prefix), operation };
  } catch {
    return { params: normalize(fallback, algorithm, prefix), operation: fallback };
  }
}

// ---- importing and exporting --------------------------------------------------------------------

function importWith(params, format, keyData, extractable, usages) {
  return refuseUseless(implementation(params.name)
    .importKey(params, format, keyData, extractable, usages));
}

function checkExport(key) {
  const { name } = key.algorithm;
  if (!supports(name, "exportKey")) throw notSupported(name, "exportKey");
  if (!key.extractable) throw invalidAccess("The key is not extractable");
}

function exportAs(format, key) {
  return implementation(key.algorithm.name).exportKey(format, key);
}

function isBufferSource(value) {
  return ArrayBufferIsView(value) || isArrayBuffer(value);
}

// ---- deriving -----------------------------------------------------------------------------------

function deriveKeyParams(algorithm, derivedKeyType, prefix) {
  const params = normalize("deriveBits", algorithm, prefix);
  const importParams = normalize("importKey", derivedKeyType, prefix);
  const lengthParams = normalize("keyLength", derivedKeyType, prefix);
  return { params, importParams, lengthParams };
}

function lengthOf(params) {
  return implementation(params.name).keyLength(params);
}

/** The format in which bytes become a secret key of any algorithm. */
const kSecretFormat = "raw-secret";

const operations = {
  __proto__: null,

  encrypt(algorithm, key, data, prefix) {
    const params = normalize("encrypt", algorithm, prefix);
    checkKey(key, params, "encrypt");
    return implementation(params.name).encrypt(params, key, data);
  },

  decrypt(algorithm, key, data, prefix) {
    const params = normalize("decrypt", algorithm, prefix);
    checkKey(key, params, "decrypt");
    return implementation(params.name).decrypt(params, key, data);
  },

  sign(algorithm, key, data, prefix) {
    const params = normalize("sign", algorithm, prefix);
    checkKey(key, params, "sign");
    return implementation(params.name).sign(params, key, data);
  },

  verify(algorithm, key, signature, data, prefix) {
    const params = normalize("verify", algorithm, prefix);
    checkKey(key, params, "verify");
    return implementation(params.name).verify(params, key, signature, data);
  },

  digest(algorithm, data, prefix) {
    const params = normalize("digest", algorithm, prefix);
    return implementation(params.name).digest(params, data);
  },

  async generateKey(algorithm, extractable, usages, prefix) {
    const params = normalize("generateKey", algorithm, prefix);
    const { checkGenerate, generateKey } = implementation(params.name);
    return refuseUseless(await generateKey(params, extractable, usages, checkGenerate));
  },

  importKey(format, keyData, algorithm, extractable, usages, prefix) {
    const params = normalize("importKey", algorithm, prefix);
    const isBytes = isBufferSource(keyData);
    if (isBytes !== (format !== "jwk")) {
      throw new TypeError(`${prefix}: argument 2 is not ` +
        (isBytes ? "a JsonWebKey, as the format jwk wants." : "a buffer, as the format wants."));
    }
    return importWith(params, format, isBytes ? copyOf(keyData) : keyData, extractable, usages);
  },

  exportKey(format, key) {
    checkExport(key);
    return exportAs(format, key);
  },

  async deriveBits(algorithm, key, length, prefix) {
    const params = normalize("deriveBits", algorithm, prefix);
    checkKey(key, params, "deriveBits");
    const { bytes } = await implementation(params.name).deriveBits(params, key, length);
    return bytes;
  },

  async deriveKey(algorithm, key, derivedKeyType, extractable, usages, prefix) {
    const { params, importParams, lengthParams } =
      deriveKeyParams(algorithm, derivedKeyType, prefix);
    checkKey(key, params, "deriveKey");
    const { deriveBits } = implementation(params.name);
    const { bytes } = await deriveBits(params, key, lengthOf(lengthParams));
    return importWith(importParams, kSecretFormat, copyOf(bytes), extractable, usages);
  },

  wrapKey(format, key, wrappingKey, algorithm, prefix) {
    const { params, operation } = normalizeEither("wrapKey", "encrypt", algorithm, prefix);
    checkKey(wrappingKey, params, "wrapKey");
    checkExport(key);
    let bytes = exportAs(format, key);
    if (format === "jwk") bytes = native.textToBytes(JSONStringify(bytes));
    return implementation(params.name)[operation](params, wrappingKey, bytes);
  },

  async unwrapKey(format, wrapped, key, algorithm, keyAlgorithm, extractable, usages, prefix) {
    const { params, operation } = normalizeEither("unwrapKey", "decrypt", algorithm, prefix);
    const importParams = normalize("importKey", keyAlgorithm, prefix);
    checkKey(key, params, "unwrapKey");
    let keyData = copyOf(implementation(params.name)[operation](params, key, wrapped));
    if (format === "jwk") {
      try {
        keyData = toJwk(JSONParse(native.bytesToText(keyData)), prefix, "The unwrapped key");
      } catch {
        throw dataError("The unwrapped key is not a JsonWebKey");
      }
    }
    return importWith(importParams, format, keyData, extractable, usages);
  },

  getPublicKey(key, usages) {
    const { name } = key.algorithm;
    if (!supports(name, "getPublicKey")) throw notSupported(name, "getPublicKey");
    checkType(key, "private", "give its public key");
    const { uses, typeOf } = implementation(name);
    const checked = checkUsages(usages, uses.public);
    return makeKey("public", true, key.algorithm, checked,
      read(native.publicDer(typeOf(key.algorithm), key.bytes)));
  },

  encapsulateBits(algorithm, key, prefix) {
    const { params, secret, ciphertext } = encapsulate(algorithm, key, "encapsulateBits", prefix);
    return { sharedKey: bufferOf(secret), ciphertext };
  },

  encapsulateKey(algorithm, key, sharedKeyAlgorithm, extractable, usages, prefix) {
    const importParams = () => normalize("importKey", sharedKeyAlgorithm, prefix);
    const { secret, ciphertext, shared } =
      encapsulate(algorithm, key, "encapsulateKey", prefix, importParams);
    return { sharedKey: importWith(shared, kSecretFormat, secret, extractable, usages),
      ciphertext };
  },

  decapsulateBits(algorithm, key, ciphertext, prefix) {
    return bufferOf(decapsulate(algorithm, key, ciphertext, "decapsulateBits", prefix).secret);
  },

  decapsulateKey(algorithm, key, ciphertext, sharedKeyAlgorithm, extractable, usages, prefix) {
    const importParams = () => normalize("importKey", sharedKeyAlgorithm, prefix);
    const { secret, shared } =
      decapsulate(algorithm, key, ciphertext, "decapsulateKey", prefix, importParams);
    return importWith(shared, kSecretFormat, secret, extractable, usages);
  },
};

// ---- encapsulation ------------------------------------------------------------------------------

/** `then`, if any, reads more of the arguments: before the key is looked at. */
function encapsulate(algorithm, key, usage, prefix, then) {
  const params = normalize("encapsulate", algorithm, prefix);
  const shared = then === undefined ? undefined : then();
  checkKey(key, params, usage);
  checkType(key, "public", usage);
  const parts = done(native.encapsulate(params.name, key.bytes), "The key cannot encapsulate");
  return { secret: parts[0], ciphertext: TypedArrayPrototypeGetBuffer(parts[1]), shared };
}

function decapsulate(algorithm, key, ciphertext, usage, prefix, then) {
  const params = normalize("decapsulate", algorithm, prefix);
  const shared = then === undefined ? undefined : then();
  checkKey(key, params, usage);
  checkType(key, "private", usage);
  const secret = done(native.decapsulate(params.name, key.bytes, ciphertext),
    "The ciphertext is not one of this key's");
  return { secret, shared };
}

// ---- supports() ---------------------------------------------------------------------------------

const plainOperations = ["encrypt", "decrypt", "sign", "verify", "digest", "generateKey",
  "importKey", "exportKey", "getPublicKey"];

function supportsPlain(operation, algorithm, prefix) {
  const params = normalize(operation, algorithm, prefix);
  const { checkCipher, checkDigest, checkGenerate, checkSign } = implementation(params.name);
  if (operation === "generateKey" && checkGenerate !== undefined) checkGenerate(params);
  if ((operation === "encrypt" || operation === "decrypt") && checkCipher !== undefined) {
    checkCipher(params);
  }
  if ((operation === "sign" || operation === "verify") && checkSign !== undefined) {
    checkSign(params);
  }
  if (operation === "digest" && checkDigest !== undefined) checkDigest(params);
  return true;
}

function checkDerivation(params, length) {
  const { checkDerive } = implementation(params.name);
  if (checkDerive !== undefined) checkDerive(params, length);
}

/** Whether the 256 bits of an encapsulation make a key of the algorithm. */
function takesShared(algorithm, prefix) {
  normalize("importKey", algorithm, prefix);
  const length = lengthOf(normalize("keyLength", algorithm, prefix));
  return length === null || length === 256 || normalize("importKey", algorithm, prefix).name ===
    "HMAC";
}

/** Throws for what is not supported. */
function checkSupport(operation, algorithm, extra, prefix) {
  if (ArrayPrototypeIndexOf(plainOperations, operation) >= 0) {
    return supportsPlain(operation, algorithm, prefix);
  }
  switch (operation) {
    case "deriveBits":
      checkDerivation(normalize("deriveBits", algorithm, prefix), extra);
      return true;
    case "deriveKey": {
      const { params, lengthParams } = deriveKeyParams(algorithm, extra, prefix);
      checkDerivation(params, lengthOf(lengthParams));
      return true;
    }
    case "wrapKey":
    case "unwrapKey": {
      const plain = operation === "wrapKey" ? "encrypt" : "decrypt";
      const { params } = normalizeEither(operation, plain, algorithm, prefix);
      const { checkCipher } = implementation(params.name);
      if (checkCipher !== undefined) checkCipher(params);
      if (extra === null) return true;
      normalize(operation === "wrapKey" ? "exportKey" : "importKey", extra, prefix);
      return true;
    }
    case "encapsulateBits":
    case "decapsulateBits":
      normalize(operation === "encapsulateBits" ? "encapsulate" : "decapsulate", algorithm, prefix);
      return true;
    case "encapsulateKey":
    case "decapsulateKey":
      normalize(operation === "encapsulateKey" ? "encapsulate" : "decapsulate", algorithm, prefix);
      return takesShared(extra, prefix);
    default:
      return false;
  }
}

/** `extra` is a length, an algorithm or undefined. */
function supportsOperation(operation, algorithm, extra, prefix) {
  if (extra === undefined || extra === null) extra = null;
  else if (operation === "deriveBits" || typeof extra === "number") {
    extra = converters.unsignedLong(extra, prefix, "argument 3");
  }
  try {
    return checkSupport(operation, algorithm, extra, prefix);
  } catch {
    return false;
  }
}

internals.cryptoOperations = {
  operations, supportsOperation, toFormat, toUsages,
  toKeyData: (value, prefix, argument) =>
    isBufferSource(value) ? converters.BufferSource(value, prefix, argument)
      : toJwk(value, prefix, argument),
  toLength: (value, prefix, argument) => value === null || value === undefined ? null
    : converters.unsignedLong(value, prefix, argument),
};
