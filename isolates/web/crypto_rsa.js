// RSA in SubtleCrypto. https://w3c.github.io/webcrypto/#rsassa-pkcs1 #rsa-pss #rsa-oaep

const {
  ReflectApply, StringPrototypeSlice, TypedArrayPrototypeGetByteLength,
} = internals.primordials;
const { load } = internals;
const { copyOf, currentInvocation, makeKey, notSupported } = internals.crypto;
load("web/crypto_common.js");
const {
  allUses, checkAlg, checkJwk, checkType, checkUsages, compute, done, exportDer,
  exportJwk, fromBase64Url, importDer, makePair, noBytes, operationError, read,
} = internals.cryptoCommon;
const implementations = internals.cryptoImplementations;

const partNames = ["n", "e", "d", "p", "q", "dp", "dq", "qi"];
const kNoSuchKey = "RSA keys are made here with 1024 to 4096 bits and an odd exponent from 3 on";

/** The name of the hash as the algs of JSON Web Keys have it. */
function shortHash(name) {
  return name === "SHA-1" ? "1" : StringPrototypeSlice(name, 4);
}

/** {name, modulusLength, publicExponent, hash} of a key. */
function algorithmOf(name, type, der, hash) {
  const parts = read(native.keyParts("RSA", type === "private", der));
  let bits = TypedArrayPrototypeGetByteLength(parts[0]) * 8;
  for (let top = parts[0][0]; top < 128 && top > 0; top *= 2) bits--;
  return { name, modulusLength: bits, publicExponent: parts[1], hash: { name: hash.name } };
}

function importJwk(jwk, alg, use, uses, extractable, usages) {
  const isPrivate = jwk.d !== undefined;
  checkUsages(usages, isPrivate ? uses.private : uses.public);
  checkJwk(jwk, "RSA", use, extractable, usages);
  checkAlg(jwk, alg);
  if (jwk.oth !== undefined) throw notSupported("RSA with more than two primes", "importKey");
  const parts = [];
  for (let i = 0; i < (isPrivate ? partNames.length : 2); i++) {
    parts[i] = fromBase64Url(jwk[partNames[i]], partNames[i]);
  }
  return { type: isPrivate ? "private" : "public",
    der: read(ReflectApply(native.importRsaParts, undefined, parts)) };
}

function checkGenerate({ modulusLength, publicExponent }) {
  const bytes = TypedArrayPrototypeGetByteLength(publicExponent);
  if (modulusLength < 1024 || modulusLength > 4096 || bytes === 0 || bytes > 8 ||
      publicExponent[bytes - 1] % 2 === 0) {
    throw operationError(kNoSuchKey);
  }
  for (let i = 0; i < bytes; i++) {
    if (publicExponent[i] > (i === bytes - 1 ? 1 : 0)) return;
  }
  throw operationError(kNoSuchKey);
}

/** `alg` of a JSON Web Key, from the hash's short name. */
function rsa(name, use, algOf, uses, operations) {
  implementations[name] = {
    __proto__: null,
    ...operations,
    uses,
    typeOf: () => "RSA",
    checkGenerate,
    async generateKey(params, extractable, usages) {
      usages = checkUsages(usages, allUses(uses));
      checkGenerate(params);
      currentInvocation();  // Refused outside of a request, like all that is random.
      const { bytes } = await compute((op, slot) => native.generateRsaKey(params.modulusLength,
        params.publicExponent, op, slot), 0, kNoSuchKey);
      const der = copyOf(bytes);
      const open = native.publicDer("RSA", der);
      return makePair([der, open], algorithmOf(name, "public", open, params.hash), extractable,
        usages, uses);
    },
    importKey({ hash }, format, keyData, extractable, usages) {
      let imported;
      if (format === "jwk") {
        imported = importJwk(keyData, algOf(shortHash(hash.name)), use, uses, extractable, usages);
      } else if (format === "spki" || format === "pkcs8") {
        imported = importDer(format, keyData, "RSA", uses, usages);
      } else {
        throw notSupported(`${name} with the key format ${format}`, "importKey");
      }
      const { type, der } = imported;
      return makeKey(type, extractable, algorithmOf(name, type, der, hash),
        checkUsages(usages, uses[type]), der);
    },
    exportKey(format, key) {
      if (format === "spki" || format === "pkcs8") return exportDer(format, key);
      if (format !== "jwk") {
        throw notSupported(`${name} with the key format ${format}`, "exportKey");
      }
      const members = { kty: "RSA", alg: algOf(shortHash(key.algorithm.hash.name)) };
      const parts = done(native.keyParts("RSA", key.type === "private", key.bytes), "No such key");
      for (let i = 0; i < parts.length; i++) members[partNames[i]] = native.toBase64Url(parts[i]);
      return exportJwk(key, members);
    },
  };
}

/** `saltOf` the params: 0 where there is none. */
function signing(scheme, saltOf) {
  return {
    sign(params, key, data) {
      checkType(key, "private", "sign");
      return done(native.sign(scheme, "RSA", key.algorithm.hash.name, saltOf(params), noBytes,
        key.bytes, data), "The key cannot sign with these parameters");
    },
    verify(params, key, signature, data) {
      checkType(key, "public", "verify");
      return native.verify(scheme, "RSA", key.algorithm.hash.name, saltOf(params), noBytes,
        key.bytes, signature, data);
    },
  };
}

const kSaltBytesMax = 1024;

function saltLength(params) {
  if (params.saltLength > kSaltBytesMax) throw operationError("The salt does not fit the key");
  return params.saltLength;
}

const signer = { public: ["verify"], private: ["sign"] };
rsa("RSASSA-PKCS1-v1_5", "sig", (hash) => `RS${hash}`, signer,
  signing("RSASSA-PKCS1-v1_5", () => 0));
rsa("RSA-PSS", "sig", (hash) => `PS${hash}`, signer, signing("RSA-PSS", saltLength));

function oaep(encrypt, params, key, data) {
  return native.oaep(encrypt, key.algorithm.hash.name, key.bytes, params.label ?? noBytes, data);
}

rsa("RSA-OAEP", "enc", (hash) => hash === "1" ? "RSA-OAEP" : `RSA-OAEP-${hash}`,
  { public: ["encrypt", "wrapKey"], private: ["decrypt", "unwrapKey"] }, {
    encrypt(params, key, data) {
      checkType(key, "public", "encrypt");
      return done(oaep(true, params, key, data), "The data is too long for the key");
    },
    decrypt(params, key, data) {
      checkType(key, "private", "decrypt");
      return done(oaep(false, params, key, data), "The data could not be decrypted");
    },
  });
