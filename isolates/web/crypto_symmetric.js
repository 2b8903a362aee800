// Secret keys of SubtleCrypto: AES, ChaCha20-Poly1305, HMAC, KMAC.
// https://w3c.github.io/webcrypto/#aes-gcm #hmac https://wicg.github.io/webcrypto-modern-algos/

const { StringPrototypeSlice, TypeError } = internals.primordials;
const { load } = internals;
const { makeKey, randomBytes } = internals.crypto;
load("web/crypto_common.js");
const {
  byteLength, checkUsages, dataError, done, exportSecret, firstBits, importSecret, includes,
  noBytes, operationError,
} = internals.cryptoCommon;
const implementations = internals.cryptoImplementations;

// ---- ciphers ------------------------------------------------------------------------------------

const kCipherUses = ["encrypt", "decrypt", "wrapKey", "unwrapKey"];

function checkTag(params, known) {
  if (params.tagLength !== undefined && !includes(known, params.tagLength)) {
    throw operationError(`No tag has ${params.tagLength} bits`);
  }
}

function checkIv(params, bytesMin, bytesMax) {
  const bytes = byteLength(params.iv);
  if (bytes < bytesMin || bytes > bytesMax) {
    throw operationError(`The iv of ${params.name} must have ` +
      (bytesMin === bytesMax ? `${bytesMin} bytes` : "another length"));
  }
}

/** An authenticated mode of the native cipher. */
function authenticated(mode, tagBits, ivBytesMin, ivBytesMax) {
  return {
    checkCipher(params) {
      checkIv(params, ivBytesMin, ivBytesMax);
      checkTag(params, tagBits);
    },
    run: (encrypt, params, key, data) => native.cipher(mode, encrypt, key.bytes, params.iv,
      params.additionalData ?? noBytes, (params.tagLength ?? 128) / 8, data),
  };
}

const kIvBytesMax = 1024 * 1024;
const gcm = authenticated("GCM", [32, 64, 96, 104, 112, 120, 128], 1, kIvBytesMax);
const ocb = authenticated("OCB", [64, 96, 128], 1, 15);
const chaCha = authenticated("ChaCha20-Poly1305", [128], 12, 12);

const cbc = {
  checkCipher: (params) => checkIv(params, 16, 16),
  run: (encrypt, params, key, data) =>
    native.cipher("CBC", encrypt, key.bytes, params.iv, noBytes, 0, data),
};

const ctr = {
  checkCipher({ counter, length }) {
    if (byteLength(counter) !== 16) throw operationError("The counter must have 16 bytes");
    if (length === 0 || length > 128) {
      throw operationError("The counter's length is 1 to 128 bits");
    }
  },
  run: (encrypt, params, key, data) =>
    native.cipher("CTR", encrypt, key.bytes, params.counter, noBytes, params.length, data),
};

// One error for all causes: which it was would help an attacker only.
const kNotDecrypted = "The data could not be decrypted";

/** What encrypts and decrypts by a mode above. */
function operationsOf({ checkCipher, run }) {
  return {
    checkCipher,
    encrypt(params, key, data) {
      checkCipher(params);
      return done(run(true, params, key, data), "The data is too long to be encrypted");
    },
    decrypt(params, key, data) {
      checkCipher(params);
      return done(run(false, params, key, data), kNotDecrypted);
    },
  };
}

/** AES-KW. https://www.rfc-editor.org/rfc/rfc3394 */
const keyWrap = {
  wrapKey(params, key, data) {
    if (byteLength(data) < 16 || byteLength(data) % 8 !== 0) {
      throw operationError("AES-KW wraps 16 bytes or more, a multiple of 8");
    }
    return done(native.cipher("KW", true, key.bytes, noBytes, noBytes, 0, data),
      "The key cannot be wrapped");
  },
  unwrapKey(params, key, data) {
    if (byteLength(data) < 24 || byteLength(data) % 8 !== 0) throw operationError(kNotDecrypted);
    return done(native.cipher("KW", false, key.bytes, noBytes, noBytes, 0, data), kNotDecrypted);
  },
};

function checkAesLength({ length }) {
  if (length !== 128 && length !== 192 && length !== 256) {
    throw operationError("An AES key has 128, 192 or 256 bits");
  }
}

function aes(name, operations, uses = kCipherUses, allowRaw = true) {
  const algOf = (bytes) => `A${bytes * 8}${StringPrototypeSlice(name, 4)}`;
  implementations[name] = {
    __proto__: null,
    ...operations,
    checkGenerate: checkAesLength,
    generateKey({ length }, extractable, usages) {
      usages = checkUsages(usages, uses);
      checkAesLength({ length });
      return makeKey("secret", extractable, { name, length }, usages, randomBytes(length / 8));
    },
    importKey(params, format, keyData, extractable, usages) {
      usages = checkUsages(usages, uses);
      const bytes = importSecret(format, keyData, name, "enc", algOf, extractable, usages,
        allowRaw);
      const length = byteLength(bytes) * 8;
      if (length !== 128 && length !== 192 && length !== 256) {
        throw dataError("An AES key has 128, 192 or 256 bits");
      }
      return makeKey("secret", extractable, { name, length }, usages, bytes);
    },
    exportKey: (format, key) => exportSecret(format, key, algOf(byteLength(key.bytes)), allowRaw),
    keyLength(params) {
      checkAesLength(params);
      return params.length;
    },
  };
}
aes("AES-GCM", operationsOf(gcm));
aes("AES-CBC", operationsOf(cbc));
aes("AES-CTR", operationsOf(ctr));
aes("AES-OCB", operationsOf(ocb), kCipherUses, false);
aes("AES-KW", keyWrap, ["wrapKey", "unwrapKey"]);

const kChaCha = "ChaCha20-Poly1305";
implementations[kChaCha] = {
  __proto__: null,
  ...operationsOf(chaCha),
  generateKey: (params, extractable, usages) => makeKey("secret", extractable, { name: kChaCha },
    checkUsages(usages, kCipherUses), randomBytes(32)),
  importKey(params, format, keyData, extractable, usages) {
    usages = checkUsages(usages, kCipherUses);
    const bytes = importSecret(format, keyData, kChaCha, "enc", () => "C20P", extractable, usages,
      false);
    if (byteLength(bytes) !== 32) throw dataError(`A key of ${kChaCha} has 256 bits`);
    return makeKey("secret", extractable, { name: kChaCha }, usages, bytes);
  },
  exportKey: (format, key) => exportSecret(format, key, "C20P", false),
  keyLength: () => 256,
};

// ---- MACs ---------------------------------------------------------------------------------------

const kMacUses = ["sign", "verify"];
const kMacBitsMax = 8 * 1024 * 1024;

function sameBytes(a, b) {
  return byteLength(a) === byteLength(b) && native.sameBytes(a, b);
}

/** The bits of a key to be generated or derived. */
function macLength(length, usual) {
  if (length === undefined) return usual;
  if (length === 0 || length > kMacBitsMax) {
    throw operationError("The length of the key must be 1 bit to a megabyte");
  }
  return length;
}

/** HMAC and KMAC differ in the MAC itself, and in what their algorithm says. */
function mac(name, { usualLength, algorithmOf, algOf, compute, checkSign, allowRaw }) {
  const make = (params, length, bytes, extractable, usages) =>
    makeKey("secret", extractable, algorithmOf(params, length), usages, bytes);
  implementations[name] = {
    __proto__: null,
    checkSign,
    checkGenerate: (params) => macLength(params.length, usualLength(params)),
    sign: (params, key, data) => compute(params, key, data),
    verify: (params, key, signature, data) => sameBytes(signature, compute(params, key, data)),
    generateKey(params, extractable, usages) {
      usages = checkUsages(usages, kMacUses);
      const length = macLength(params.length, usualLength(params));
      const bytes = firstBits(randomBytes((length + 7 - (length + 7) % 8) / 8), length);
      return make(params, length, bytes, extractable, usages);
    },
    importKey(params, format, keyData, extractable, usages) {
      usages = checkUsages(usages, kMacUses);
      const bytes = importSecret(format, keyData, name, "sig", () => algOf(params), extractable,
        usages, allowRaw);
      const whole = byteLength(bytes) * 8;
      if (whole === 0) throw dataError(`A key of ${name} must not be empty`);
      const length = params.length ?? whole;
      if (length > whole || length <= whole - 8) {
        throw dataError(`The key has ${whole} bits, not ${length}`);
      }
      return make(params, length, firstBits(bytes, length), extractable, usages);
    },
    exportKey: (format, key) => exportSecret(format, key, algOf(key.algorithm), allowRaw),
    keyLength(params) {
      if (params.length === 0) throw new TypeError("The length of the key must not be 0");
      return params.length ?? usualLength(params);
    },
  };
}

const hmacBlockBits = { __proto__: null, "SHA-1": 512, "SHA-256": 512, "SHA-384": 1024,
  "SHA-512": 1024, "SHA3-256": 1088, "SHA3-384": 832, "SHA3-512": 576 };
const hmacAlgs = { __proto__: null, "SHA-1": "HS1", "SHA-256": "HS256", "SHA-384": "HS384",
  "SHA-512": "HS512" };

/** https://w3c.github.io/webcrypto/#hmac */
mac("HMAC", {
  usualLength: (params) => hmacBlockBits[params.hash.name],
  algorithmOf: (params, length) =>
    ({ name: "HMAC", length, hash: { name: params.hash.name } }),
  algOf: (params) => hmacAlgs[params.hash.name],
  compute: (params, key, data) => native.hmac(key.algorithm.hash.name, key.bytes, data),
  allowRaw: true,
});

function kmac(name, bits, alg) {
  const checkSign = ({ outputLength }) => {
    if (outputLength === 0 || outputLength % 8 !== 0 || outputLength > kMacBitsMax) {
      throw operationError("outputLength must be whole bytes, in bits, and at most a megabyte");
    }
  };
  mac(name, {
    usualLength: () => bits,
    algorithmOf: (params, length) => ({ name, length }),
    algOf: () => alg,
    checkSign,
    compute(params, key, data) {
      checkSign(params);
      return done(native.kmac(name, key.bytes, params.customization ?? noBytes,
        params.outputLength / 8, data), "KMAC wants keys of 32 to 4096 bits");
    },
    allowRaw: false,
  });
}
kmac("KMAC128", 128, "K128");
kmac("KMAC256", 256, "K256");
