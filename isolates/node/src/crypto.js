// node:crypto over OpenSSL (src/webapi/node_hash.cc, node_keys.cc). What Node does on other threads
// is done at once here, and its callback called later.
const { Buffer } = require("node:buffer");
const { Transform } = require("node:stream");
const process = require("node:process");
const keys = require("./crypto_keys.js");
const agreement = require("./crypto_agree.js");
const { bytesOf, coded, later } = require("./crypto_support.js");

const web = globalThis.crypto;

// ---- hashes -------------------------------------------------------------------------------------

function give(bytes, encoding) {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return !encoding || encoding === "buffer" ? buffer : buffer.toString(encoding);
}

function finished() {
  return coded(Error, "ERR_CRYPTO_HASH_FINALIZED", "Digest already called");
}

/** Of the digests that can be of any length. */
const kDefaultLengths = { __proto__: null, shake128: 16, shake256: 32 };

class Hash extends Transform {
  #handle;
  #length;
  #done = false;

  constructor(name, options = undefined, key = undefined, handle = undefined) {
    super(options);
    if (typeof name !== "string") {
      throw coded(TypeError, "ERR_INVALID_ARG_TYPE",
        'The "algorithm" argument must be of type string.');
    }
    this.#handle = handle ?? native.nodeHashNew(name, key);
    if (this.#handle === undefined) {
      throw coded(Error, "ERR_CRYPTO_INVALID_DIGEST", `Invalid digest: ${name}`);
    }
    this.#length = options?.outputLength ?? kDefaultLengths[name.toLowerCase()];
  }

  update(data, encoding) {
    if (this.#done) throw finished();
    native.nodeHashUpdate(this.#handle, bytesOf("data", data, encoding));
    return this;
  }

  digest(encoding) {
    if (this.#done) throw finished();
    this.#done = true;
    const bytes = native.nodeHashFinal(this.#handle, this.#length);
    if (bytes === undefined) {
      throw coded(Error, "ERR_OSSL_EVP_NOT_XOF_OR_INVALID_LENGTH", "Unsupported output length");
    }
    return give(bytes, encoding);
  }

  copy(options) {
    if (this.#done) throw finished();
    return new Hash("", { ...options, outputLength: options?.outputLength ?? this.#length },
      undefined, native.nodeHashCopy(this.#handle));
  }

  _transform(chunk, encoding, callback) {
    this.update(chunk, encoding);
    callback();
  }

  _flush(callback) {
    this.push(this.digest());
    callback();
  }
}

class Hmac extends Transform {
  #hash;
  #done = false;

  constructor(name, key, options) {
    super(options);
    this.#hash = new Hash(name, undefined, keys.secretBytes("key", key, options?.encoding));
  }

  update(data, encoding) {
    if (this.#done) throw finished();
    this.#hash.update(data, encoding);
    return this;
  }

  digest(encoding) {
    // Node gives nothing the second time, where a Hash throws.
    if (this.#done) return give(new Uint8Array(0), encoding);
    this.#done = true;
    return this.#hash.digest(encoding);
  }

  _transform(chunk, encoding, callback) {
    this.update(chunk, encoding);
    callback();
  }

  _flush(callback) {
    this.push(this.digest());
    callback();
  }
}

const kHashes = ["RSA-MD5", "RSA-RIPEMD160", "RSA-SHA1", "RSA-SHA224", "RSA-SHA256", "RSA-SHA3-224",
  "RSA-SHA3-256", "RSA-SHA3-384", "RSA-SHA3-512", "RSA-SHA384", "RSA-SHA512", "blake2b512",
    "blake2s256", "md5", "ripemd160", "sha1", "sha224", "sha256",
  "sha3-224", "sha3-256", "sha3-384", "sha3-512", "sha384", "sha512", "sha512-224", "sha512-256",
  "shake128", "shake256"];

function hash(algorithm, data, options = "hex") {
  const encoding = typeof options === "string" ? options : options?.outputEncoding ?? "hex";
  return new Hash(algorithm, { outputLength: options?.outputLength })
    .update(typeof data === "string" ? Buffer.from(data) : data).digest(encoding);
}

// ---- ciphers ------------------------------------------------------------------------------------

const kModes = ["stream", "ecb", "cbc", "cfb", "ofb", "ctr", "gcm", "ccm"];
const kCiphers = ["aes-128-cbc", "aes-128-cfb", "aes-128-ctr", "aes-128-ecb", "aes-128-gcm",
  "aes-128-ocb", "aes-128-ofb", "aes-192-cbc", "aes-192-cfb", "aes-192-ctr", "aes-192-ecb",
  "aes-192-gcm", "aes-192-ocb", "aes-192-ofb", "aes-256-cbc", "aes-256-cfb", "aes-256-ctr",
  "aes-256-ecb", "aes-256-gcm", "aes-256-ocb", "aes-256-ofb", "aria-128-cbc", "aria-192-cbc",
  "aria-256-cbc", "camellia-128-cbc", "camellia-192-cbc", "camellia-256-cbc", "chacha20",
  "chacha20-poly1305", "des-ede3-cbc"];

class CipherBase extends Transform {
  #handle;
  #encrypts;
  #done = false;
  #authenticates;

  constructor(encrypts, name, key, iv, options) {
    super(options);
    if (typeof name !== "string") {
      throw coded(TypeError, "ERR_INVALID_ARG_TYPE",
        'The "cipher" argument must be of type string.');
    }
    const info = native.nodeCipherInfo(name);
    if (info === undefined) throw coded(Error, "ERR_CRYPTO_UNKNOWN_CIPHER", "Unknown cipher");
    const secret = keys.secretBytes("key", key);
    if (secret.length !== info[0]) {
      throw coded(RangeError, "ERR_CRYPTO_INVALID_KEYLEN", "Invalid key length");
    }
    const start = iv === null || iv === undefined ? new Uint8Array(0) : bytesOf("iv", iv);
    this.#encrypts = encrypts;
    this.#authenticates = /gcm|ocb|poly1305/i.test(name);
    this.#handle = native.nodeCipherNew(name, encrypts, secret, start, options?.authTagLength);
    if (this.#handle === undefined) {
      throw coded(TypeError, "ERR_CRYPTO_INVALID_IV", "Invalid initialization vector");
    }
  }

  update(data, inputEncoding, outputEncoding) {
    const bytes = native.nodeCipherUpdate(this.#handle, bytesOf("data", data, inputEncoding));
    if (bytes === undefined) {
      throw coded(Error, "ERR_CRYPTO_INVALID_STATE", "Unsupported state");
    }
    return give(bytes, outputEncoding);
  }

  final(outputEncoding) {
    if (this.#done) {
      throw coded(Error, "ERR_CRYPTO_INVALID_STATE", "Unsupported state");
    }
    this.#done = true;
    const bytes = native.nodeCipherFinal(this.#handle);
    if (bytes !== undefined) return give(bytes, outputEncoding);
    throw this.#authenticates ? new Error("Unsupported state or unable to authenticate data") :
      coded(Error, "ERR_OSSL_BAD_DECRYPT", "error:1C800064:Provider routines::bad decrypt");
  }

  setAutoPadding(on = true) {
    native.nodeCipherSet(this.#handle, "padding", on !== false);
    return this;
  }

  setAAD(data, options) {
    this.#set("aad", bytesOf("buffer", data, options?.encoding), "setAAD");
    return this;
  }

  setAuthTag(tag, encoding) {
    this.#set("tag", bytesOf("buffer", tag, encoding), "setAuthTag");
    return this;
  }

  getAuthTag() {
    const tag = this.#encrypts ? native.nodeCipherTag(this.#handle) : undefined;
    if (tag === undefined) {
      throw coded(Error, "ERR_CRYPTO_INVALID_STATE", "Invalid state for operation getAuthTag");
    }
    return give(tag);
  }

  #set(what, bytes, method) {
    if (!native.nodeCipherSet(this.#handle, what, bytes)) {
      throw coded(Error, "ERR_CRYPTO_INVALID_STATE", `Invalid state for operation ${method}`);
    }
  }

  _transform(chunk, encoding, callback) {
    try {
      this.push(this.update(chunk, encoding));
      callback();
    } catch (error) {
      callback(error);
    }
  }

  _flush(callback) {
    try {
      this.push(this.final());
      callback();
    } catch (error) {
      callback(error);
    }
  }
}
class Cipheriv extends CipherBase {
  constructor(name, key, iv, options) {
    super(true, name, key, iv, options);
  }
}
class Decipheriv extends CipherBase {
  constructor(name, key, iv, options) {
    super(false, name, key, iv, options);
  }
}

function getCipherInfo(name) {
  const info = typeof name === "string" ? native.nodeCipherInfo(name) : undefined;
  if (info === undefined) return undefined;
  return { mode: kModes[info[3]] ?? "other", name: name.toLowerCase(), nid: 0, blockSize: info[2],
    ivLength: info[1] || undefined, keyLength: info[0] };
}

// ---- random -------------------------------------------------------------------------------------

/** Views of any size: the platform's own stops at 65,536 bytes. */
function fill(view) {
  const bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
  for (let at = 0; at < bytes.length; at += 65536) {
    web.getRandomValues(bytes.subarray(at, at + 65536));
  }
  return view;
}

function randomBytes(size, callback) {
  if (typeof size !== "number" || !(size >= 0 && size <= 2 ** 31 - 1)) {
    throw coded(RangeError, "ERR_OUT_OF_RANGE", 'The value of "size" is out of range. It must be ' +
      `>= 0 && <= 2147483647. Received ${size}`);
  }
  return later(callback, () => fill(Buffer.alloc(size)));
}

function asView(buffer) {
  return ArrayBuffer.isView(buffer) ? buffer : new Uint8Array(buffer);
}

function randomFillSync(buffer, offset = 0, size = undefined) {
  const view = asView(buffer);
  fill(new Uint8Array(view.buffer, view.byteOffset + offset, size ?? view.byteLength - offset));
  return buffer;
}

function randomFill(buffer, ...rest) {
  const callback = rest.pop();
  later(callback, () => randomFillSync(buffer, ...rest));
}

function randomInt(min, max, callback) {
  if (max === undefined || typeof max === "function") {
    callback = max;
    max = min;
    min = 0;
  }
  if (!Number.isSafeInteger(min) || !Number.isSafeInteger(max)) {
    throw coded(TypeError, "ERR_INVALID_ARG_TYPE", "The arguments must be safe integers.");
  }
  const range = max - min;
  if (!(range > 0 && range < 2 ** 48)) {
    throw coded(RangeError, "ERR_OUT_OF_RANGE", `The value of "max" is out of range. It must be ` +
      `greater than the value of "min" (${min}). Received ${max}`);
  }
  return later(callback, () => {
    const limit = 2 ** 48 - 2 ** 48 % range;
    for (;;) {
      const value = randomBytes(6).readUIntBE(0, 6);
      if (value < limit) return min + value % range;
    }
  });
}

// ---- derivation ---------------------------------------------------------------------------------

function derived(bytes, what) {
  if (bytes !== undefined) return give(bytes);
  throw coded(Error, "ERR_CRYPTO_OPERATION_FAILED", `${what}: the parameters cannot be used here`);
}

function pbkdf2Sync(password, salt, iterations, length, digest) {
  if (typeof digest !== "string") {
    throw coded(TypeError, "ERR_INVALID_ARG_TYPE", 'The "digest" argument must be of type string.');
  }
  return derived(native.nodeDeriveKey("pbkdf2", digest, bytesOf("password", password),
    bytesOf("salt", salt), iterations, length), "pbkdf2");
}

function hkdfSync(digest, key, salt, info, length) {
  const bytes = derived(native.nodeDeriveKey("hkdf", digest, keys.secretBytes("ikm", key),
    bytesOf("salt", salt), bytesOf("info", info), length), "hkdf");
  return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
}

function scryptSync(password, salt, length, options = {}) {
  const n = options.N ?? options.cost ?? 16384, r = options.r ?? options.blockSize ?? 8;
  const p = options.p ?? options.parallelization ?? 1;
  if (128 * n * r > (options.maxmem ?? 32 * 1024 * 1024)) {
    throw coded(RangeError, "ERR_CRYPTO_INVALID_SCRYPT_PARAMS",
      "Invalid scrypt params: memory limit exceeded");
  }
  return derived(native.nodeDeriveKey("scrypt", bytesOf("password", password),
    bytesOf("salt", salt), n, r, p, length), "scrypt");
}

function lastIsCallback(run) {
  return (...args) => {
    const callback = args.pop();
    if (typeof callback !== "function") {
      throw coded(TypeError, "ERR_INVALID_ARG_TYPE",
        'The "callback" argument must be of type function.');
    }
    later(callback, () => run(...args));
  };
}

// ---- the rest -----------------------------------------------------------------------------------

function timingSafeEqual(a, b) {
  const left = bytesOf("buf1", a), right = bytesOf("buf2", b);
  if (left.length !== right.length) {
    throw coded(RangeError, "ERR_CRYPTO_TIMING_SAFE_EQUAL_LENGTH",
      "Input buffers must have the same byte length");
  }
  return web.subtle.timingSafeEqual(left, right);
}

const constants = require("unenv/node/crypto").default.constants;

module.exports = {
  Hash, Hmac, Cipheriv, Decipheriv, ...keys.exports, constants, webcrypto: web,
  get subtle() { return web.subtle; },
  createHash: (name, options) => new Hash(name, options),
  createHmac: (name, key, options) => new Hmac(name, key, options),
  createCipheriv: (...args) => new Cipheriv(...args),
  createDecipheriv: (...args) => new Decipheriv(...args),
  hash, getHashes: () => [...kHashes], getCiphers: () => [...kCiphers], getCipherInfo,
  randomBytes, pseudoRandomBytes: randomBytes, randomFill, randomFillSync, randomInt,
  randomUUID: () => web.randomUUID(), getRandomValues: (view) => web.getRandomValues(view),
  pbkdf2: lastIsCallback(pbkdf2Sync), pbkdf2Sync, hkdf: lastIsCallback(hkdfSync), hkdfSync,
  scrypt: lastIsCallback(scryptSync), scryptSync, timingSafeEqual,
  getFips: () => 0, setFips() {}, secureHeapUsed: () => undefined, setEngine() {},
  ...agreement,
};
