// The keys of node:crypto, and what is signed, encrypted and agreed on with them.
const { Buffer } = require("node:buffer");
const { Writable } = require("node:stream");
const { promisify } = require("node:util");
const { bytesOf, coded, later, absent } = require("./crypto_support.js");

const RSA_PKCS1 = 1, RSA_OAEP = 4, RSA_PSS = 6;
const kTypes = { __proto__: null, RSA: "rsa", "RSA-PSS": "rsa-pss", EC: "ec", ED25519: "ed25519",
  ED448: "ed448", X25519: "x25519", X448: "x448", DSA: "dsa", DH: "dh" };
const kStructures = { __proto__: null, pkcs8: "PrivateKeyInfo", spki: "SubjectPublicKeyInfo",
  pkcs1: "type-specific", sec1: "type-specific" };
const kMake = Symbol("make");

// ---- key objects --------------------------------------------------------------------------------

class KeyObject {
  #type;
  /** The secret's bytes, or DER. */
  #bytes;

  constructor(token, type, bytes) {
    if (token !== kMake) {
      throw coded(TypeError, "ERR_INVALID_ARG_VALUE", "A KeyObject is made by createSecretKey(), " +
        "createPublicKey() or createPrivateKey().");
    }
    this.#type = type;
    this.#bytes = bytes;
  }

  static is(value) {
    return typeof value === "object" && value !== null && #bytes in value;
  }

  static bytesOf(value) {
    return value.#bytes;
  }

  static from(key) {
    const { algorithm } = key;
    throw coded(Error, "ERR_METHOD_NOT_IMPLEMENTED",
      `KeyObject.from() of a CryptoKey (${algorithm?.name}) is not available on this node.`);
  }

  get type() {
    return this.#type;
  }

  get symmetricKeySize() {
    return this.#type === "secret" ? this.#bytes.length : undefined;
  }

  get #details() {
    return native.nodeKeyDetails(this.#bytes, this.#type === "private");
  }

  get asymmetricKeyType() {
    return this.#type === "secret" ? undefined : kTypes[this.#details[0]];
  }

  get asymmetricKeyDetails() {
    if (this.#type === "secret") return undefined;
    const [type, bits, curve, exponent] = this.#details;
    if (type === "EC") return { namedCurve: curve };
    return type.startsWith("RSA") ? { modulusLength: bits, publicExponent: BigInt(exponent) } : {};
  }

  equals(other) {
    return is(other) && other.#type === this.#type &&
      Buffer.compare(Buffer.from(this.#bytes), Buffer.from(other.#bytes)) === 0;
  }

  export(options = {}) {
    if (this.#type === "secret") {
      if (options.format === "jwk") {
        return { kty: "oct", k: Buffer.from(this.#bytes).toString("base64url") };
      }
      return Buffer.from(this.#bytes);
    }
    if (options.format === "jwk") return toJwk(this);
    const isPrivate = this.#type === "private";
    const structure = kStructures[options.type ?? (isPrivate ? "pkcs8" : "spki")];
    const format = options.format === "der" ? "DER" : "PEM";
    const passphrase = options.cipher === undefined ? undefined :
      bytesOf("passphrase", options.passphrase);
    const bytes = native.nodeKeyEncode(this.#bytes, isPrivate, format, structure, options.cipher,
      passphrase);
    if (bytes === undefined) {
      throw coded(Error, "ERR_CRYPTO_INCOMPATIBLE_KEY_OPTIONS", `A ${this.asymmetricKeyType} key ` +
        `cannot be exported as ${options.type}.`);
    }
    const buffer = Buffer.from(bytes);
    return format === "PEM" ? buffer.toString("latin1") : buffer;
  }

  get [Symbol.toStringTag]() {
    return "KeyObject";
  }
}
const { is, bytesOf: keyBytes } = KeyObject;
delete KeyObject.is;
delete KeyObject.bytesOf;
class SecretKeyObject extends KeyObject {}
class PublicKeyObject extends KeyObject {}
class PrivateKeyObject extends KeyObject {}

function makeSecret(bytes) {
  return new SecretKeyObject(kMake, "secret", Uint8Array.from(bytes));
}

function makeKey(isPrivate, der) {
  return isPrivate ? new PrivateKeyObject(kMake, "private", der) :
    new PublicKeyObject(kMake, "public", der);
}

/** The bytes of what may be used as a secret: text, bytes or a secret KeyObject. */
function secretBytes(name, key, encoding) {
  if (is(key)) {
    if (key.type !== "secret") {
      throw coded(TypeError, "ERR_CRYPTO_INVALID_KEY_OBJECT_TYPE",
        `Invalid key object type ${key.type}, expected secret.`);
    }
    return keyBytes(key);
  }
  return bytesOf(name, key, encoding);
}

// ---- importing ----------------------------------------------------------------------------------

function unreadable() {
  return coded(Error, "ERR_OSSL_UNSUPPORTED", "error:1E08010C:DECODER routines::unsupported");
}

const kCurves = { __proto__: null, "P-256": "prime256v1", "P-384": "secp384r1",
  "P-521": "secp521r1" };

/** The DER of a JSON Web Key, made by hand: its numbers in the structure of RFC 5208 or 5280. */
function fromJwk(jwk, isPrivate) {
  const { der } = require("./der.js");
  const made = der.ofJwk(jwk, isPrivate && jwk.d !== undefined);
  const bytes = made === undefined ? undefined :
    native.nodeKeyDecode(made, "DER", "", isPrivate, undefined);
  if (bytes === undefined) throw coded(TypeError, "ERR_CRYPTO_INVALID_JWK", "Invalid JWK data");
  return bytes;
}

function toJwk(key) {
  const { der } = require("./der.js");
  const isPrivate = key.type === "private";
  const made = der.toJwk(keyBytes(key), isPrivate,
    isPrivate ? native.nodeKeyPublic(keyBytes(key)) : keyBytes(key));
  if (made === undefined) {
    throw coded(Error, "ERR_CRYPTO_JWK_UNSUPPORTED_KEY_TYPE", "Unsupported JWK Key Type.");
  }
  return made;
}

function decode(given, isPrivate) {
  const options = typeof given === "object" && given !== null && !ArrayBuffer.isView(given) &&
    !(given instanceof ArrayBuffer) ? given : { key: given };
  if (options.format === "jwk") return fromJwk(options.key, isPrivate);
  const bytes = bytesOf("key", options.key, options.encoding);
  const passphrase = options.passphrase === undefined ? undefined :
    bytesOf("passphrase", options.passphrase);
  const format = options.format === "der" ? "DER" : "PEM";
  const structure = format === "DER" ? kStructures[options.type] : "";
  return native.nodeKeyDecode(bytes, format, structure, isPrivate, passphrase);
}

function createPrivateKey(given) {
  if (is(given)) {
    throw coded(TypeError, "ERR_INVALID_ARG_TYPE", 'The "key" argument must not be a KeyObject.');
  }
  const der = decode(given, true);
  if (der === undefined) throw unreadable();
  return makeKey(true, der);
}

function createPublicKey(given) {
  const object = is(given) ? given : is(given?.key) ? given.key : undefined;
  if (object !== undefined) {
    if (object.type === "private") return makeKey(false, native.nodeKeyPublic(keyBytes(object)));
    if (object.type === "public") return object;
    throw coded(TypeError, "ERR_CRYPTO_INVALID_KEY_OBJECT_TYPE",
      "Invalid key object type secret, expected private.");
  }
  let der = decode(given, false);
  if (der === undefined && given?.format !== "jwk") {
    // A private key has its public one in it, and so has a certificate.
    const secret = decode(given, true);
    der = secret === undefined ?
      native.nodeCertificateKey(bytesOf("key", given?.key ?? given)) : native.nodeKeyPublic(secret);
  }
  if (der === undefined) throw unreadable();
  return makeKey(false, der);
}

const createSecretKey = (key, encoding) => makeSecret(bytesOf("key", key, encoding));

function privateOf(key) {
  const object = is(key) ? key : is(key?.key) ? key.key : createPrivateKey(key);
  if (object.type !== "private") {
    throw coded(TypeError, "ERR_CRYPTO_INVALID_KEY_OBJECT_TYPE",
      `Invalid key object type ${object.type}, expected private.`);
  }
  return object;
}

// ---- generating ---------------------------------------------------------------------------------

function generatedOf(type, options) {
  switch (type) {
    case "rsa":
    case "rsa-pss":
      return native.nodeKeyGenerate("RSA", options.modulusLength, options.publicExponent ?? 65537);
    case "ec":
      return native.nodeKeyGenerate("EC", kCurves[options.namedCurve] ?? options.namedCurve);
    case "ed25519": case "ed448": case "x25519": case "x448":
      return native.nodeKeyGenerate(type.toUpperCase());
    default:
      throw coded(TypeError, "ERR_INVALID_ARG_VALUE",
        `The argument 'type' must be a supported key type. Received '${type}'`);
  }
}

function generateKeyPairSync(type, options = {}) {
  const pair = generatedOf(type, options);
  if (pair === undefined) {
    throw coded(Error, "ERR_CRYPTO_OPERATION_FAILED", "generateKeyPair: the parameters cannot be " +
      "used here (RSA keys have 512 to 4,096 bits)");
  }
  const privateKey = makeKey(true, pair[0]), publicKey = makeKey(false, pair[1]);
  const { privateKeyEncoding, publicKeyEncoding } = options;
  return {
    publicKey: publicKeyEncoding === undefined ? publicKey : publicKey.export(publicKeyEncoding),
    privateKey: privateKeyEncoding === undefined ? privateKey :
      privateKey.export(privateKeyEncoding),
  };
}

function generateKeyPair(type, options, callback) {
  later((error, pair) => error ? callback(error) : callback(null, pair.publicKey, pair.privateKey),
    () => generateKeyPairSync(type, options));
}
Object.defineProperty(generateKeyPair, promisify.custom, {
  value: async (type, options) => generateKeyPairSync(type, options), configurable: true });

function generateKeySync(type, { length }) {
  const bytes = type === "aes" ? [128, 192, 256].includes(length) && length / 8 :
    type === "hmac" && length >= 8 && Math.floor(length / 8);
  if (!bytes) throw coded(RangeError, "ERR_OUT_OF_RANGE",
    'The value of "options.length" is out of range.');
  return makeSecret(crypto.getRandomValues(new Uint8Array(bytes)));
}

// ---- signatures ---------------------------------------------------------------------------------

function schemeOf(key) {
  const padding = key?.padding ?? 0;
  return [padding, key?.saltLength];
}

function signatureError() {
  return coded(Error, "ERR_OSSL_EVP_INVALID_DIGEST",
    "The key, the digest or the padding will not do");
}

/** r and s side by side, as IEEE P1363 has it, and the DER of them. */
function convert(bytes, key, toDer) {
  const { der } = require("./der.js");
  const { namedCurve } = key.asymmetricKeyDetails;
  return der.signature(bytes, namedCurve, toDer);
}

function sign(algorithm, data, key, callback) {
  return later(callback, () => {
    const object = privateOf(key);
    const bytes = native.nodeKeySign(keyBytes(object), bytesOf("data", data), algorithm ?? "",
      ...schemeOf(is(key) ? undefined : key));
    if (bytes === undefined) throw signatureError();
    return Buffer.from(key?.dsaEncoding === "ieee-p1363" ? convert(bytes, object, false) : bytes);
  });
}

function verify(algorithm, data, key, signature, callback) {
  return later(callback, () => {
    const object = createPublicKey(key);
    let given = bytesOf("signature", signature);
    if (key?.dsaEncoding === "ieee-p1363") given = convert(given, object, true);
    if (given === undefined) return false;
    const good = native.nodeKeyVerify(keyBytes(object), bytesOf("data", data), given,
      algorithm ?? "", ...schemeOf(is(key) ? undefined : key));
    if (good === undefined) throw signatureError();
    return good;
  });
}

/** What Sign and Verify share: data that comes in pieces. */
class Collector extends Writable {
  #algorithm;
  #chunks = [];

  constructor(algorithm, options) {
    super(options);
    if (typeof algorithm !== "string") {
      throw coded(TypeError, "ERR_INVALID_ARG_TYPE",
        'The "algorithm" argument must be of type string.');
    }
    this.#algorithm = algorithm;
  }

  update(data, encoding) {
    this.#chunks.push(Buffer.from(bytesOf("data", data, encoding)));
    return this;
  }

  _write(chunk, encoding, callback) {
    this.update(chunk, encoding);
    callback();
  }

  static taken(self) {
    return [self.#algorithm, Buffer.concat(self.#chunks)];
  }
}
const { taken } = Collector;
delete Collector.taken;

class Sign extends Collector {
  sign(key, encoding) {
    const bytes = sign(...taken(this), key);
    return encoding === undefined || encoding === "buffer" ? bytes : bytes.toString(encoding);
  }
}
class Verify extends Collector {
  verify(key, signature, encoding) {
    return verify(...taken(this), key, bytesOf("signature", signature, encoding));
  }
}

// ---- encryption and agreement -------------------------------------------------------------------

function crypt(isPrivate, encrypts, padding) {
  return (key, data) => {
    const object = isPrivate ? privateOf(key) : createPublicKey(key);
    const options = is(key) ? {} : key;
    const bytes = native.nodeKeyCrypt(keyBytes(object), isPrivate, encrypts, bytesOf("buffer",
      data),
      options?.padding ?? padding, options?.oaepHash ?? "sha1",
      options?.oaepLabel === undefined ? undefined : bytesOf("oaepLabel", options.oaepLabel));
    if (bytes === undefined) {
      throw coded(Error, "ERR_OSSL_RSA_OAEP_DECODING_ERROR", "The operation failed: the key, the " +
        "padding or the data will not do");
    }
    return Buffer.from(bytes);
  };
}

function diffieHellman({ privateKey, publicKey }, callback) {
  return later(callback, () => {
    const secret = native.nodeKeyAgree(keyBytes(privateKey), keyBytes(publicKey));
    if (secret === undefined) {
      throw coded(Error, "ERR_CRYPTO_INCOMPATIBLE_KEY", "The keys do not fit each other");
    }
    return Buffer.from(secret);
  });
}

module.exports = {
  secretBytes,
  exports: {
    KeyObject, Sign, Verify, createPrivateKey, createPublicKey, createSecretKey,
    createSign: (algorithm, options) => new Sign(algorithm, options),
    createVerify: (algorithm, options) => new Verify(algorithm, options),
    diffieHellman, generateKeyPair, generateKeyPairSync, generateKeySync,
    generateKey: (type, options, callback) => later(callback, () => generateKeySync(type, options)),
    publicEncrypt: crypt(false, true, RSA_OAEP), privateDecrypt: crypt(true, false, RSA_OAEP),
    privateEncrypt: crypt(true, true, RSA_PKCS1), publicDecrypt: crypt(false, false, RSA_PKCS1),
    sign, verify, getCurves: () => ["prime256v1", "secp256k1", "secp384r1", "secp521r1"],
    X509Certificate: class X509Certificate {
      constructor() {
        absent("X509Certificate")();
      }
    },
  },
};
