// What the algorithms of SubtleCrypto share: errors, usages, checks, JSON Web Keys, key pairs.
// https://w3c.github.io/webcrypto/

const {
  ArrayPrototypeIndexOf, ArrayPrototypePush, ArrayPrototypeSlice, TypedArrayPrototypeGetBuffer,
  TypedArrayPrototypeGetByteLength, TypedArrayPrototypeSlice, Uint8Array,
} = internals.primordials;
const { domException } = internals;
const { makeKey, notSupported } = internals.crypto;
const { kernel } = internals;

// ---- errors -------------------------------------------------------------------------------------

const operationError = (message) => domException("OperationError", message);
const invalidAccess = (message) => domException("InvalidAccessError", message);
const dataError = (message) => domException("DataError", message);
const syntaxError = (message) => domException("SyntaxError", message);

/** `value`, which a native gave, or an OperationError if it gave nothing. */
function done(value, message) {
  if (value === undefined) throw operationError(message);
  return value;
}

/** Likewise for what was read from a key's data. */
function read(value, message = "The data is not a key of this algorithm") {
  if (value === undefined) throw dataError(message);
  return value;
}

// ---- bytes --------------------------------------------------------------------------------------

const noBytes = new Uint8Array(0);

function byteLength(bytes) {
  return TypedArrayPrototypeGetByteLength(native.viewBytes(bytes));
}

/** The first `bits` of `bytes`, in an array of its own; what is left of the last byte is 0. */
function firstBits(bytes, bits) {
  const rest = bits % 8;
  const result = TypedArrayPrototypeSlice(bytes, 0, (bits + 7 - (bits + 7) % 8) / 8);
  if (rest !== 0) result[TypedArrayPrototypeGetByteLength(result) - 1] &= 0xff00 >> rest;
  return result;
}

const bufferOf = (bytes) => TypedArrayPrototypeGetBuffer(bytes);
const copyBuffer = (bytes) => bufferOf(native.copyBytes(bytes));

// ---- usages -------------------------------------------------------------------------------------

const kUsages = ["encrypt", "decrypt", "sign", "verify", "deriveKey", "deriveBits", "wrapKey",
  "unwrapKey", "encapsulateKey", "encapsulateBits", "decapsulateKey", "decapsulateBits"];

function includes(list, item) {
  return ArrayPrototypeIndexOf(list, item) >= 0;
}

/** Those of `usages` that are `wanted`, in the standard's order, each once. */
function pickUsages(usages, wanted) {
  const result = [];
  for (let i = 0; i < kUsages.length; i++) {
    if (includes(usages, kUsages[i]) && includes(wanted, kUsages[i])) {
      ArrayPrototypePush(result, kUsages[i]);
    }
  }
  return result;
}

/** In the standard's order, each once; throws for one that is not allowed. */
function checkUsages(usages, allowed) {
  for (let i = 0; i < usages.length; i++) {
    if (!includes(allowed, usages[i])) {
      throw syntaxError(`The key usage '${usages[i]}' is not one of this key's`);
    }
  }
  return pickUsages(usages, allowed);
}

function checkType(key, type, usage) {
  if (key.type !== type) throw invalidAccess(`A ${key.type} key cannot ${usage}`);
}

// ---- JSON Web Keys ------------------------------------------------------------------------------

/** What holds for a key of any kind. https://w3c.github.io/webcrypto/#dictdef-jsonwebkey */
function checkJwk(jwk, kty, use, extractable, usages) {
  if (jwk.kty !== kty) throw dataError(`The key's kty is not '${kty}'`);
  if (usages.length > 0 && jwk.use !== undefined && jwk.use !== use) {
    throw dataError(`The key's use is not '${use}'`);
  }
  const operations = jwk.key_ops;
  if (operations !== undefined) {
    for (let i = 0; i < operations.length; i++) {
      if (ArrayPrototypeIndexOf(operations, operations[i]) !== i) {
        throw dataError(`The key's key_ops repeat '${operations[i]}'`);
      }
    }
    for (let i = 0; i < usages.length; i++) {
      if (!includes(operations, usages[i])) {
        throw dataError(`The key's key_ops do not allow '${usages[i]}'`);
      }
    }
  }
  if (jwk.ext === false && extractable) throw dataError("The key's ext forbids to export it");
}

/** If there is an alg, it must be one of these. */
function checkAlg(jwk, ...algs) {
  if (jwk.alg !== undefined && !includes(algs, jwk.alg)) {
    throw dataError(`The key's alg is '${jwk.alg}', not '${algs[0]}'`);
  }
}

function fromBase64Url(text, name) {
  return read(text === undefined ? undefined : native.fromBase64Url(text),
    `The key's ${name} is not base64url`);
}

function exportJwk(key, members) {
  return { ...members, key_ops: ArrayPrototypeSlice(key.usages), ext: key.extractable };
}

// ---- secret keys --------------------------------------------------------------------------------

/**
 * The bytes of a secret key in the formats it can come in. `algOf(byte count)` is what the alg of
 * its JWK must be.
 */
function importSecret(format, keyData, name, use, algOf, extractable, usages, allowRaw = true) {
  if (format === "raw-secret" || (format === "raw" && allowRaw)) return keyData;
  if (format !== "jwk") throw notSupported(`${name} with the key format ${format}`, "importKey");
  checkJwk(keyData, "oct", use, extractable, usages);
  const bytes = fromBase64Url(keyData.k, "k");
  checkAlg(keyData, algOf(TypedArrayPrototypeGetByteLength(bytes)));
  return bytes;
}

function exportSecret(format, key, alg, allowRaw = true) {
  if (format === "raw-secret" || (format === "raw" && allowRaw)) return copyBuffer(key.bytes);
  if (format !== "jwk") {
    throw notSupported(`${key.algorithm.name} with the key format ${format}`, "exportKey");
  }
  const members = { kty: "oct", k: native.toBase64Url(key.bytes) };
  if (alg !== undefined) members.alg = alg;
  return exportJwk(key, members);
}

// ---- key pairs ----------------------------------------------------------------------------------

/** A private and a public key of DERs, each with those of `usages` that are its own. */
function makePair(ders, algorithm, extractable, usages, uses) {
  return {
    publicKey: makeKey("public", true, algorithm, pickUsages(usages, uses.public), ders[1]),
    privateKey: makeKey("private", extractable, algorithm, pickUsages(usages, uses.private),
      ders[0]),
  };
}

function allUses(uses) {
  const all = ArrayPrototypeSlice(uses.private);
  for (let i = 0; i < uses.public.length; i++) ArrayPrototypePush(all, uses.public[i]);
  return all;
}

/** spki and pkcs8, with the usages they may have: {type, der}. */
function importDer(format, keyData, type, uses, usages) {
  const isPrivate = format === "pkcs8";
  checkUsages(usages, isPrivate ? uses.private : uses.public);
  const der = read(native.importDer(type, isPrivate, keyData));
  if (der === false) {
    throw notSupported(`A private key of ${type} without its seed`, "importKey");
  }
  return { type: isPrivate ? "private" : "public", der };
}

function exportDer(format, key) {
  checkType(key, format === "pkcs8" ? "private" : "public", `be exported as ${format}`);
  return copyBuffer(key.bytes);
}

// ---- work off the script's thread ---------------------------------------------------------------

/** What a promise of secret bytes resolves with: no `then` of a tenant is found in it. */
const sealed = (bytes) => ({ __proto__: null, bytes });

// What an op costs the host besides its arguments.
const kComputeBytes = 4096;

/**
 * Has the host do what `start(op id, slot)` asks for, a native that computes: a promise of
 * sealed(its ArrayBuffer). `bytes` are those that the native copies. Outside of a handler, where
 * nothing is waited for, it is done at once.
 */
async function compute(start, bytes, message) {
  const invocation = kernel.findInvocation();
  if (invocation === undefined || !invocation.open) return sealed(done(start(0, -1), message));
  kernel.hold(bytes + kComputeBytes);
  const op = kernel.startOp(invocation, bytes + kComputeBytes);
  op.makeValue = () => sealed(native.takeBytes(kernel.kTakeBuffer));
  op.makeError = () => operationError(message);
  start(op.id, invocation.slot);
  return op.promise;
}

internals.cryptoCommon = {
  allUses, bufferOf, byteLength, checkAlg, checkJwk, checkType, checkUsages, compute, copyBuffer,
  dataError, done, exportDer, exportJwk, exportSecret, firstBits, fromBase64Url, importDer,
  importSecret, includes, invalidAccess, kUsages, makePair, noBytes, operationError, pickUsages,
  read, sealed, syntaxError,
};
