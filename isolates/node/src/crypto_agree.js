// ECDH, DiffieHellman and primes of node:crypto. What is secret is computed by OpenSSL only; the
// numbers worked on here are public ones.
const { Buffer } = require("node:buffer");
const { absent, bytesOf, coded, later } = require("./crypto_support.js");
const { der } = require("./der.js");

function encoded(bytes, encoding) {
  const buffer = Buffer.from(bytes);
  return !encoding || encoding === "buffer" ? buffer : buffer.toString(encoding);
}

const toNumber = (bytes) => bytes.length === 0 ? 0n :
  BigInt(`0x${Buffer.from(bytes).toString("hex")}`);

function toBytes(number, size = 0) {
  let hex = number.toString(16);
  if (hex.length % 2 === 1) hex = `0${hex}`;
  return Buffer.from(hex.padStart(size * 2, "0"), "hex");
}

const trimmed = (bytes) => toBytes(toNumber(bytes));

function power(base, exponent, modulus) {
  let result = 1n;
  base %= modulus;
  for (; exponent > 0n; exponent >>= 1n) {
    if (exponent & 1n) result = result * base % modulus;
    base = base * base % modulus;
  }
  return result;
}

function decodeKey(bytes, isPrivate) {
  return native.nodeKeyDecode(bytes, "DER", isPrivate ? "PrivateKeyInfo" : "SubjectPublicKeyInfo",
    isPrivate, undefined);
}

// ---- elliptic curves ----------------------------------------------------------------------------

/** By Node's names: y^2 = x^3 + ax + b over p, all of which are 3 modulo 4; and the order. */
const kEquations = {
  __proto__: null,
  prime256v1: equation(2n ** 256n - 2n ** 224n + 2n ** 192n + 2n ** 96n - 1n, -3n,
    "5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604b",
    "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551"),
  secp384r1: equation(2n ** 384n - 2n ** 128n - 2n ** 96n + 2n ** 32n - 1n, -3n,
    "b3312fa7e23ee7e4988e056be3f82d19181d9c6efe8141120314088f5013875a" +
    "c656398d8a2ed19d2a85c8edd3ec2aef",
    `${"f".repeat(48)}c7634d81f4372ddf581a0db248b0a77aecec196accc52973`),
  secp521r1: equation(2n ** 521n - 1n, -3n,
    "51953eb9618e1c9a1f929a21a0b68540eea2da725b99b315f3b8b489918ef109" +
    "e156193951ec7e937b1652c0bd3bb1bf073573df883d2c34f1ef451fd46b503f00",
    `01${"f".repeat(64)}fa51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409`),
  secp256k1: equation(2n ** 256n - 2n ** 32n - 977n, 0n, "7",
    "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141"),
};

function equation(p, a, b, order) {
  return { p, a, b: BigInt(`0x${b}`), order: BigInt(`0x${order}`) };
}

function curveOf(name) {
  const curve = typeof name === "string" ? der.curveOf(name) : undefined;
  if (curve === undefined) {
    throw coded(TypeError, "ERR_CRYPTO_INVALID_CURVE", "Invalid EC curve name");
  }
  return curve;
}

function badPoint() {
  return coded(Error, "ERR_CRYPTO_ECDH_INVALID_PUBLIC_KEY",
    "Public key is not valid for specified curve");
}

/** x and y of a point in any of its forms. */
function coordinates(bytes, curve) {
  const { size, name } = curve;
  const x = bytes.subarray(1, 1 + size);
  if (bytes.length === 1 + 2 * size && [4, 6, 7].includes(bytes[0])) {
    return { x, y: bytes.subarray(1 + size) };
  }
  if (bytes.length !== 1 + size || (bytes[0] !== 2 && bytes[0] !== 3)) throw badPoint();
  const { p, a, b } = kEquations[name], at = toNumber(x);
  const square = ((at ** 3n + a * at + b) % p + p) % p;
  let y = power(square, (p + 1n) / 4n, p);
  if (at >= p || y * y % p !== square) throw badPoint();
  if ((y & 1n) !== BigInt(bytes[0] & 1)) y = p - y;
  return { x, y: toBytes(y, size) };
}

function pointOf({ x, y }, format = "uncompressed") {
  const odd = y[y.length - 1] & 1;
  switch (format) {
    case "compressed": return Buffer.concat([Buffer.from([2 + odd]), x]);
    case "hybrid": return Buffer.concat([Buffer.from([6 + odd]), x, y]);
    case "uncompressed": return Buffer.concat([Buffer.from([4]), x, y]);
    default:
      throw coded(TypeError, "ERR_CRYPTO_ECDH_INVALID_FORMAT",
        `Invalid ECDH format: ${format}`);
  }
}

/** The public key of a point, in DER; throws if it is not on the curve. */
function publicOf(bytes, curve) {
  const key = decodeKey(der.ecPublic(curve, pointOf(coordinates(bytes, curve))), false);
  if (key === undefined) throw badPoint();
  return key;
}

class ECDH {
  #curve;
  #private;
  #point;

  constructor(name) {
    this.#curve = curveOf(name);
  }

  /** Whether it could be: a number that is no multiple of the order has a point. */
  #take(privateDer) {
    const open = native.nodeKeyPublic(privateDer);
    const jwk = open === undefined ? undefined : der.toJwk(privateDer, true, open);
    if (jwk === undefined) return false;
    this.#private = { der: privateDer, bytes: trimmed(Buffer.from(jwk.d, "base64url")) };
    this.#point = { x: Buffer.from(jwk.x, "base64url"), y: Buffer.from(jwk.y, "base64url") };
    return true;
  }

  generateKeys(encoding, format) {
    this.#take(native.nodeKeyGenerate("EC", this.#curve.name)[0]);
    return this.getPublicKey(encoding, format);
  }

  computeSecret(other, inputEncoding, outputEncoding) {
    if (this.#private === undefined) {
      throw coded(Error, "ERR_CRYPTO_ECDH_INVALID_KEY_PAIR", "Invalid key pair");
    }
    const key = publicOf(Buffer.from(bytesOf("otherPublicKey", other, inputEncoding)), this.#curve);
    const secret = native.nodeKeyAgree(this.#private.der, key);
    if (secret === undefined) throw badPoint();
    return encoded(secret, outputEncoding);
  }

  getPublicKey(encoding, format) {
    if (this.#point === undefined) {
      throw coded(Error, "ERR_CRYPTO_OPERATION_FAILED", "Failed to get ECDH public key");
    }
    return encoded(pointOf(this.#point, format), encoding);
  }

  getPrivateKey(encoding) {
    if (this.#private === undefined) {
      throw coded(Error, "ERR_CRYPTO_OPERATION_FAILED", "Failed to get ECDH private key");
    }
    return encoded(this.#private.bytes, encoding);
  }

  setPrivateKey(key, encoding) {
    const bytes = Buffer.from(bytesOf("key", key, encoding));
    const number = toNumber(bytes);
    const isFit = bytes.length <= this.#curve.size && number > 0n &&
      number < kEquations[this.#curve.name].order;
    const made = !isFit ? undefined :
      decodeKey(der.ecPrivate(this.#curve, bytes), true);
    if (made === undefined || !this.#take(made)) {
      throw coded(RangeError, "ERR_CRYPTO_INVALID_KEYTYPE",
        "Private key is not valid for specified curve.");
    }
    return this;
  }

  setPublicKey(key, encoding) {
    const bytes = Buffer.from(bytesOf("key", key, encoding));
    publicOf(bytes, this.#curve);
    this.#point = coordinates(bytes, this.#curve);
    return this;
  }

  static convertKey(key, name, inputEncoding, outputEncoding, format) {
    const curve = curveOf(name), bytes = Buffer.from(bytesOf("key", key, inputEncoding));
    publicOf(bytes, curve);
    return encoded(pointOf(coordinates(bytes, curve), format), outputEncoding);
  }
}

// ---- Diffie-Hellman -----------------------------------------------------------------------------

/** https://www.rfc-editor.org/rfc/rfc3526: bits, and what is added to those of pi */
const kGroups = { __proto__: null, modp1: [768, 149686n], modp2: [1024, 129093n],
  modp5: [1536, 741804n], modp14: [2048, 124476n], modp15: [3072, 1690314n],
  modp16: [4096, 240904n], modp17: [6144, 929484n], modp18: [8192, 4743158n] };

/** The first bits of pi, by Machin's formula; a few more are computed than given. */
function piBits(count) {
  const one = 1n << BigInt(count + 32);
  const arctan = (x) => {
    let sum = 0n, term = one / x;
    for (let n = 1n; term !== 0n; n += 2n, term /= x * x) {
      sum += n % 4n === 1n ? term / n : -term / n;
    }
    return sum;
  };
  return 4n * (4n * arctan(5n) - arctan(239n)) >> 32n;
}

function groupPrime(name) {
  const group = kGroups[name];
  if (group === undefined) throw coded(Error, "ERR_CRYPTO_UNKNOWN_DH_GROUP", "Unknown DH group");
  const bits = BigInt(group[0]);
  return (1n << bits) - (1n << bits - 64n) - 1n + (piBits(group[0] - 130) + group[1] << 64n);
}

class DiffieHellman {
  #prime;
  #generator;
  #size;
  #private;
  #public;

  constructor(prime, primeEncoding, generator, generatorEncoding) {
    if (typeof prime === "number") absent("createDiffieHellman(bits): name a group instead, or")();
    if (typeof primeEncoding !== "string") {
      [primeEncoding, generator, generatorEncoding] = [undefined, primeEncoding, generator];
    }
    this.#prime = typeof prime === "bigint" ? prime :
      toNumber(bytesOf("sizeOrKey", prime, primeEncoding));
    this.#generator = generator === undefined ? 2n : typeof generator === "number" ?
      BigInt(generator) : toNumber(bytesOf("generator", generator, generatorEncoding));
    this.#size = toBytes(this.#prime).length;
    if (this.#generator < 2n || this.#prime < 3n) {
      throw coded(Error, "ERR_OSSL_DH_BAD_GENERATOR", "bad generator");
    }
  }

  #domain() {
    return [toBytes(this.#prime), toBytes(this.#generator)];
  }

  #take(bytes) {
    const made = decodeKey(der.dhPrivate(...this.#domain(), bytes), true);
    const open = made === undefined ? undefined : native.nodeKeyPublic(made);
    if (open === undefined) {
      throw coded(Error, "ERR_CRYPTO_OPERATION_FAILED", "The parameters cannot be used here");
    }
    this.#private = { der: made, bytes };
    this.#public = toBytes(toNumber(der.dhNumber(open)), this.#size);
  }

  generateKeys(encoding) {
    if (this.#private === undefined) {
      const bytes = crypto.getRandomValues(new Uint8Array(this.#size + 8));
      this.#take(toBytes(toNumber(bytes) % (this.#prime - 3n) + 2n));
    }
    return this.getPublicKey(encoding);
  }

  computeSecret(other, inputEncoding, outputEncoding) {
    const number = toNumber(bytesOf("otherPublicKey", other, inputEncoding));
    if (this.#private === undefined) {
      throw coded(Error, "ERR_CRYPTO_INVALID_STATE", "No private key: call generateKeys() first");
    }
    if (number <= 1n || number >= this.#prime - 1n) {
      throw coded(RangeError, "ERR_CRYPTO_INVALID_KEYLEN", `Supplied key is too ` +
        `${number <= 1n ? "small" : "large"}`);
    }
    const key = decodeKey(der.dhPublic(...this.#domain(), toBytes(number)), false);
    const secret = key === undefined ? undefined : native.nodeKeyAgree(this.#private.der, key);
    if (secret === undefined) {
      throw coded(Error, "ERR_CRYPTO_OPERATION_FAILED", "The keys do not fit each other");
    }
    // As long as the prime, whatever the number.
    return encoded(toBytes(toNumber(secret), this.#size), outputEncoding);
  }

  getPrime(encoding) {
    return encoded(toBytes(this.#prime), encoding);
  }

  getGenerator(encoding) {
    return encoded(toBytes(this.#generator), encoding);
  }

  getPublicKey(encoding) {
    if (this.#public === undefined) throw coded(Error, "ERR_CRYPTO_INVALID_STATE", "No public key");
    return encoded(this.#public, encoding);
  }

  getPrivateKey(encoding) {
    if (this.#private === undefined) {
      throw coded(Error, "ERR_CRYPTO_INVALID_STATE", "No private key");
    }
    return encoded(this.#private.bytes, encoding);
  }

  setPrivateKey(key, encoding) {
    this.#take(Buffer.from(bytesOf("privateKey", key, encoding)));
  }

  setPublicKey(key, encoding) {
    this.#public = Buffer.from(bytesOf("publicKey", key, encoding));
  }

  get verifyError() {
    return 0;
  }
}

class DiffieHellmanGroup extends DiffieHellman {
  constructor(name) {
    super(groupPrime(name), undefined, 2);
  }

  get setPrivateKey() {
    return undefined;
  }

  get setPublicKey() {
    return undefined;
  }
}

// ---- primes -------------------------------------------------------------------------------------

const kSmallPrimes = [2n, 3n, 5n, 7n, 11n, 13n, 17n, 19n, 23n, 29n, 31n, 37n, 41n, 43n, 47n, 53n];
const kRounds = 24;

function randomBelow(limit) {
  return toNumber(crypto.getRandomValues(new Uint8Array(toBytes(limit).length + 8))) % limit;
}

/** Miller and Rabin's test. */
function isPrime(number, rounds = kRounds) {
  if (number < 2n) return false;
  for (const prime of kSmallPrimes) if (number % prime === 0n) return number === prime;
  let odd = number - 1n, twos = 0;
  for (; (odd & 1n) === 0n; odd >>= 1n) twos++;
  for (let round = 0; round < rounds; round++) {
    let value = power(randomBelow(number - 3n) + 2n, odd, number);
    for (let i = 1; i < twos && value !== 1n && value !== number - 1n; i++) {
      value = value * value % number;
      if (value === 1n) return false;
    }
    if (value !== 1n && value !== number - 1n) return false;
  }
  return true;
}

const asNumber = (value) => typeof value === "bigint" ? value :
  toNumber(bytesOf("candidate", value));

function generatePrimeSync(size, options = {}) {
  if (!Number.isInteger(size) || size < 1) {
    throw coded(RangeError, "ERR_OUT_OF_RANGE", 'The value of "size" is out of range.');
  }
  const { add, rem, safe = false, bigint = false } = options;
  if (size < 2 || size > 1024) absent(`generatePrime() of ${size} bits`)();
  const step = add === undefined ? undefined : asNumber(add);
  const rest = rem === undefined ? 1n : asNumber(rem);
  const low = 1n << BigInt(size - 1);
  for (;;) {
    let number = low + randomBelow(low);
    // The two highest bits are set, as OpenSSL has it.
    if (size > 3) number |= low >> 1n;
    if (step !== undefined) number += rest - number % step;
    else if (size > 2) number |= 1n;
    if (number >> BigInt(size) !== 0n || !isPrime(number, 1) || !isPrime(number)) continue;
    if (safe && !isPrime(number >> 1n)) continue;
    return bigint ? number : new Uint8Array(toBytes(number)).buffer;
  }
}

const withOptions = (run) => (value, options, callback) => {
  const done = typeof options === "function" ? options : callback;
  later(done ?? null, () => run(value, typeof options === "function" ? undefined : options));
};
const checkPrimeSync = (candidate, { checks = 0 } = {}) =>
  isPrime(asNumber(candidate), checks || kRounds);

module.exports = {
  ECDH, DiffieHellman: callable(DiffieHellman), DiffieHellmanGroup: callable(DiffieHellmanGroup),
  createECDH: (name) => new ECDH(name),
  createDiffieHellman: (...args) => new DiffieHellman(...args),
  createDiffieHellmanGroup: (name) => new DiffieHellmanGroup(name),
  getDiffieHellman: (name) => new DiffieHellmanGroup(name),
  generatePrime: withOptions(generatePrimeSync), generatePrimeSync,
  checkPrime: withOptions(checkPrimeSync), checkPrimeSync,
};

/** Node's older classes can be called without new. */
function callable(Class) {
  const made = function (...args) {
    return Reflect.construct(Class, args, new.target ?? Class);
  };
  made.prototype = Class.prototype;
  Class.prototype.constructor = made;
  Object.defineProperty(made, "name", { value: Class.name });
  return made;
}
