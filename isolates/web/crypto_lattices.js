// ML-DSA and ML-KEM in SubtleCrypto. A private key is its seed.
// https://wicg.github.io/webcrypto-modern-algos/#ml-dsa #ml-kem

const { TypedArrayPrototypeGetByteLength } = internals.primordials;
const { load } = internals;
const { currentInvocation, makeKey, notSupported } = internals.crypto;
load("web/crypto_common.js");
const {
  allUses, bufferOf, checkJwk, checkType, checkUsages, dataError, done, exportDer,
  exportJwk, fromBase64Url, importDer, makePair, noBytes, operationError, read,
} = internals.cryptoCommon;
const implementations = internals.cryptoImplementations;

/** https://www.ietf.org/archive/id/draft-ietf-cose-dilithium-08.html: kty AKP */
function importJwk(jwk, name, use, uses, extractable, usages) {
  const type = jwk.priv === undefined ? "public" : "private";
  checkUsages(usages, uses[type]);
  checkJwk(jwk, "AKP", use, extractable, usages);
  if (jwk.alg !== name) throw dataError(`The key's alg is not '${name}'`);
  const open = fromBase64Url(jwk.pub, "pub");
  const seed = type === "public" ? undefined : fromBase64Url(jwk.priv, "priv");
  const der = read(native.importPoint(name, open, seed));
  if (seed !== undefined && native.toBase64Url(native.keyParts(name, true, der)[0]) !== jwk.pub) {
    throw dataError("The key's pub is not that of its priv");
  }
  return { type, der };
}

function lattice(name, use, uses, operations) {
  implementations[name] = {
    __proto__: null,
    ...operations,
    uses,
    typeOf: () => name,
    generateKey(params, extractable, usages) {
      usages = checkUsages(usages, allUses(uses));
      currentInvocation();
      return makePair(done(native.generateKeyPair(name), "No key was made"), { name }, extractable,
        usages, uses);
    },
    importKey(params, format, keyData, extractable, usages) {
      let imported;
      if (format === "raw-public") {
        checkUsages(usages, uses.public);
        imported = { type: "public", der: read(native.importPoint(name, keyData)) };
      } else if (format === "raw-seed") {
        checkUsages(usages, uses.private);
        imported = { type: "private", der: read(native.importPoint(name, noBytes, keyData)) };
      } else if (format === "jwk") {
        imported = importJwk(keyData, name, use, uses, extractable, usages);
      } else if (format === "spki" || format === "pkcs8") {
        imported = importDer(format, keyData, name, uses, usages);
      } else {
        throw notSupported(`${name} with the key format ${format}`, "importKey");
      }
      const { type, der } = imported;
      return makeKey(type, extractable, { name }, checkUsages(usages, uses[type]), der);
    },
    exportKey(format, key) {
      if (format === "spki" || format === "pkcs8") return exportDer(format, key);
      const parts = done(native.keyParts(name, key.type === "private", key.bytes), "No such key");
      if (format === "raw-public" || format === "raw-seed") {
        checkType(key, format === "raw-seed" ? "private" : "public", `be exported as ${format}`);
        return bufferOf(parts[format === "raw-seed" ? 1 : 0]);
      }
      if (format !== "jwk") {
        throw notSupported(`${name} with the key format ${format}`, "exportKey");
      }
      const members = { kty: "AKP", alg: name, pub: native.toBase64Url(parts[0]) };
      if (parts.length > 1) members.priv = native.toBase64Url(parts[1]);
      return exportJwk(key, members);
    },
  };
}

function signer(name) {
  const contextOf = (params) => params.context ?? noBytes;
  const checkSign = (params) => {
    if (TypedArrayPrototypeGetByteLength(contextOf(params)) > 255) {
      throw operationError("The context has at most 255 bytes");
    }
  };
  lattice(name, "sig", { public: ["verify"], private: ["sign"] }, {
    checkSign,
    sign(params, key, data) {
      checkSign(params);
      checkType(key, "private", "sign");
      return done(native.sign(name, name, undefined, 0, contextOf(params), key.bytes, data),
        "The key cannot sign this");
    },
    verify(params, key, signature, data) {
      checkSign(params);
      checkType(key, "public", "verify");
      return native.verify(name, name, undefined, 0, contextOf(params), key.bytes, signature,
        data);
    },
  });
}
signer("ML-DSA-44");
signer("ML-DSA-65");
signer("ML-DSA-87");

const kemUses = { public: ["encapsulateKey", "encapsulateBits"],
  private: ["decapsulateKey", "decapsulateBits"] };
lattice("ML-KEM-512", "enc", kemUses);
lattice("ML-KEM-768", "enc", kemUses);
lattice("ML-KEM-1024", "enc", kemUses);
