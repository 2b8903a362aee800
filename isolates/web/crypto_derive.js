// Key derivation of SubtleCrypto: HKDF, PBKDF2, Argon2.
// https://w3c.github.io/webcrypto/#hkdf #pbkdf2
// https://wicg.github.io/webcrypto-modern-algos/#argon2

const { MathCeil, Uint8Array } = internals.primordials;
const { load } = internals;
const { makeKey, notSupported } = internals.crypto;
load("web/crypto_common.js");
const {
  bufferOf, byteLength, checkUsages, compute, done, noBytes, operationError, sealed,
  syntaxError,
} = internals.cryptoCommon;
const implementations = internals.cryptoImplementations;

const kDerivedBitsMax = 8 * 1024 * 1024;

function checkLength(length) {
  if (length === null || length % 8 !== 0 || length > kDerivedBitsMax) {
    throw operationError("The length must be given in bits, a multiple of 8, at most a megabyte");
  }
}

/** Keys of these algorithms are only ever a secret to derive from. */
function derivation(name, { allowRaw, checkDerive, deriveBits }) {
  implementations[name] = {
    __proto__: null,
    checkDerive,
    /** sealed(bytes), or a promise of that. */
    deriveBits(params, key, length) {
      checkDerive(params, length);
      return deriveBits(params, key, length);
    },
    importKey(params, format, keyData, extractable, usages) {
      if (format !== "raw-secret" && !(format === "raw" && allowRaw)) {
        throw notSupported(`${name} with the key format ${format}`, "importKey");
      }
      usages = checkUsages(usages, ["deriveKey", "deriveBits"]);
      if (extractable) throw syntaxError(`A key of ${name} cannot be extractable`);
      return makeKey("secret", false, { name }, usages, keyData);
    },
    keyLength: () => null,
  };
}

derivation("HKDF", {
  allowRaw: true,
  checkDerive: (params, length) => checkLength(length),
  deriveBits: ({ hash, salt, info }, key, length) =>
    sealed(done(native.hkdf(hash.name, key.bytes, salt, info, length / 8),
      "HKDF cannot give that many bits")),
});

// What a call may cost: a second or a few, off the thread that runs scripts.
const kIterationsMax = 10_000_000;
const digestBits = { __proto__: null, "SHA-1": 160, "SHA-256": 256, "SHA-384": 384,
  "SHA-512": 512, "SHA3-256": 256, "SHA3-384": 384, "SHA3-512": 512 };

derivation("PBKDF2", {
  allowRaw: true,
  checkDerive({ hash, iterations }, length) {
    checkLength(length);
    if (iterations === 0) throw operationError("iterations must not be 0");
    if (iterations * MathCeil(length / digestBits[hash.name]) > kIterationsMax) {
      throw notSupported(`PBKDF2 with more than ${kIterationsMax} iterations`, "deriveBits");
    }
  },
  deriveBits({ hash, iterations, salt }, key, length) {
    if (length === 0) return sealed(bufferOf(new Uint8Array(0)));
    return compute((op, slot) => native.pbkdf2(hash.name, key.bytes, salt, iterations, length / 8,
      op, slot), byteLength(key.bytes) + byteLength(salt), "PBKDF2 failed");
  },
});

// Memory in KiB, and how often all of it is gone over: a second or so at the most.
const kArgonMemoryMax = 64 * 1024;
const kArgonWorkMax = 1024 * 1024;
const kArgonPassesMax = 1000;

function checkArgon({ memory, passes, parallelism, version, nonce }, length) {
  checkLength(length);
  if (length < 32) throw operationError("Argon2 gives 32 bits or more");
  if (version !== undefined && version !== 0x13) {
    throw operationError("The version of Argon2 here is 0x13");
  }
  if (parallelism === 0 || passes === 0 || memory < 8 * parallelism || byteLength(nonce) < 8) {
    throw operationError("Argon2 wants at least 1 pass, 1 lane, 8 KiB for each lane, and a nonce " +
      "of 8 bytes");
  }
  if (memory > kArgonMemoryMax || passes > kArgonPassesMax || memory * passes > kArgonWorkMax ||
      parallelism > 255) {
    throw operationError(`Argon2 here takes at most ${kArgonMemoryMax} KiB, ${kArgonPassesMax} ` +
      `passes, 255 lanes, and ${kArgonWorkMax} KiB in all its passes together`);
  }
}

function argon2(name) {
  derivation(name, {
    allowRaw: false,
    checkDerive: checkArgon,
    deriveBits: (params, key, length) => compute((op, slot) => native.argon2(name, key.bytes,
      params.nonce, params.parallelism, params.memory, params.passes, params.version ?? 0x13,
      params.secretValue ?? noBytes, params.associatedData ?? noBytes, length / 8, op, slot),
    byteLength(key.bytes) + byteLength(params.nonce) + byteLength(params.secretValue ?? noBytes) +
      byteLength(params.associatedData ?? noBytes),
    "Argon2 cannot work with these parameters"),
  });
}
argon2("Argon2d");
argon2("Argon2i");
argon2("Argon2id");
