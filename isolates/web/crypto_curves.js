// Elliptic curves in SubtleCrypto: ECDSA, ECDH, Ed25519, Ed448, X25519, X448.
// https://w3c.github.io/webcrypto/#ecdsa #ecdh #ed25519 #x25519
// https://wicg.github.io/webcrypto-secure-curves/

const {
  TypedArrayPrototypeGetByteLength, TypedArrayPrototypeSet, Uint8Array,
} = internals.primordials;
const { load } = internals;
const { currentInvocation, makeKey, notSupported } = internals.crypto;
load("web/crypto_common.js");
const {
  allUses, bufferOf, checkAlg, checkJwk, checkType, checkUsages, dataError, done, exportDer,
  exportJwk, firstBits, fromBase64Url, importDer, invalidAccess, makePair, noBytes, operationError,
  read, sealed,
} = internals.cryptoCommon;
const implementations = internals.cryptoImplementations;

const signer = { public: ["verify"], private: ["sign"] };
const agreer = { public: [], private: ["deriveKey", "deriveBits"] };

/** What `raw` means for a public key. */
function isRawPublic(format) {
  return format === "raw" || format === "raw-public";
}

// ---- key agreement ------------------------------------------------------------------------------

/** The shared secret of two keys of `type`, or its first `length` bits; sealed. */
function agree(type, params, key, length) {
  checkType(key, "private", "derive");
  const { public: peer } = params;
  checkType(peer, "public", "be the other side's");
  if (peer.algorithm.name !== key.algorithm.name ||
      peer.algorithm.namedCurve !== key.algorithm.namedCurve) {
    throw invalidAccess("The two keys are not of one algorithm");
  }
  const secret = done(native.agree(type, key.bytes, peer.bytes), "The keys do not go together");
  if (length === null) return sealed(bufferOf(secret));
  if (length > TypedArrayPrototypeGetByteLength(secret) * 8) {
    throw operationError("The shared secret is shorter than that");
  }
  return sealed(bufferOf(firstBits(secret, length)));
}

// ---- NIST's curves ------------------------------------------------------------------------------

const curveBytes = { __proto__: null, "P-256": 32, "P-384": 48, "P-521": 66 };
const curveAlgs = { __proto__: null, "P-256": "ES256", "P-384": "ES384", "P-521": "ES512" };

function checkCurve({ name, namedCurve }) {
  if (curveBytes[namedCurve] === undefined) {
    throw notSupported(`${name} with the curve ${namedCurve}`, "keys");
  }
}

/** An uncompressed point. https://www.secg.org/sec1-v2.pdf section 2.3.3 */
function pointOf(x, y) {
  const size = TypedArrayPrototypeGetByteLength(x);
  const point = new Uint8Array(1 + 2 * size);
  point[0] = 4;
  TypedArrayPrototypeSet(point, x, 1);
  TypedArrayPrototypeSet(point, y, 1 + size);
  return point;
}

function importCurveJwk(jwk, { name, namedCurve }, use, uses, extractable, usages) {
  const type = jwk.d === undefined ? "public" : "private";
  checkUsages(usages, uses[type]);
  checkJwk(jwk, "EC", use, extractable, usages);
  if (jwk.crv !== namedCurve) throw dataError(`The key's crv is not '${namedCurve}'`);
  if (name === "ECDSA") checkAlg(jwk, curveAlgs[namedCurve]);
  const x = fromBase64Url(jwk.x, "x"), y = fromBase64Url(jwk.y, "y");
  const size = curveBytes[namedCurve];
  if (TypedArrayPrototypeGetByteLength(x) !== size ||
      TypedArrayPrototypeGetByteLength(y) !== size) {
    throw dataError(`x and y of a key of ${namedCurve} have ${size} bytes`);
  }
  const d = type === "public" ? undefined : fromBase64Url(jwk.d, "d");
  return { type, der: read(native.importPoint(namedCurve, pointOf(x, y), d)) };
}

function curve(name, use, uses, operations) {
  implementations[name] = {
    __proto__: null,
    ...operations,
    uses,
    typeOf: (algorithm) => algorithm.namedCurve,
    checkGenerate: checkCurve,
    generateKey(params, extractable, usages) {
      usages = checkUsages(usages, allUses(uses));
      checkCurve(params);
      currentInvocation();
      const { namedCurve } = params;
      return makePair(done(native.generateKeyPair(namedCurve), "No key was made"),
        { name, namedCurve }, extractable, usages, uses);
    },
    importKey(params, format, keyData, extractable, usages) {
      const { namedCurve } = params;
      let imported;
      if (isRawPublic(format)) {
        if (curveBytes[namedCurve] === undefined) throw dataError(`No curve is ${namedCurve}`);
        checkUsages(usages, uses.public);
        imported = { type: "public", der: read(native.importPoint(namedCurve, keyData)) };
      } else {
        checkCurve(params);
        if (format === "jwk") {
          imported = importCurveJwk(keyData, params, use, uses, extractable, usages);
        } else if (format === "spki" || format === "pkcs8") {
          imported = importDer(format, keyData, namedCurve, uses, usages);
        } else {
          throw notSupported(`${name} with the key format ${format}`, "importKey");
        }
      }
      const { type, der } = imported;
      return makeKey(type, extractable, { name, namedCurve }, checkUsages(usages, uses[type]),
        der);
    },
    exportKey(format, key) {
      if (format === "spki" || format === "pkcs8") return exportDer(format, key);
      const { namedCurve } = key.algorithm;
      const parts = done(native.keyParts(namedCurve, key.type === "private", key.bytes), "No key");
      if (isRawPublic(format)) {
        checkType(key, "public", "be exported raw");
        return bufferOf(pointOf(parts[0], parts[1]));
      }
      if (format !== "jwk") {
        throw notSupported(`${name} with the key format ${format}`, "exportKey");
      }
      const members = { kty: "EC", crv: namedCurve, x: native.toBase64Url(parts[0]),
        y: native.toBase64Url(parts[1]) };
      if (parts.length > 2) members.d = native.toBase64Url(parts[2]);
      return exportJwk(key, members);
    },
  };
}

curve("ECDSA", "sig", signer, {
  sign(params, key, data) {
    checkType(key, "private", "sign");
    return done(native.sign("ECDSA", key.algorithm.namedCurve, params.hash.name, 0, noBytes,
      key.bytes, data), "The key cannot sign this");
  },
  verify(params, key, signature, data) {
    checkType(key, "public", "verify");
    return native.verify("ECDSA", key.algorithm.namedCurve, params.hash.name, 0, noBytes,
      key.bytes, signature, data);
  },
});

curve("ECDH", "enc", agreer, {
  checkDerive(params, length) {
    const { type, algorithm } = params.public;
    const bits = { __proto__: null, "P-256": 256, "P-384": 384, "P-521": 528 };
    if (type === "public" && length !== null && length > bits[algorithm.namedCurve]) {
      throw operationError("The shared secret is shorter than that");
    }
  },
  deriveBits: (params, key, length) => agree(key.algorithm.namedCurve, params, key, length),
});

// ---- Edwards and Montgomery curves --------------------------------------------------------------

function importOctetJwk(jwk, name, use, uses, extractable, usages) {
  const type = jwk.d === undefined ? "public" : "private";
  checkUsages(usages, uses[type]);
  checkJwk(jwk, "OKP", use, extractable, usages);
  if (jwk.crv !== name) throw dataError(`The key's crv is not '${name}'`);
  if (uses === signer) checkAlg(jwk, name, "EdDSA");
  const x = fromBase64Url(jwk.x, "x");
  const d = type === "public" ? undefined : fromBase64Url(jwk.d, "d");
  const der = read(native.importPoint(name, x, d));
  if (d !== undefined && native.toBase64Url(native.keyParts(name, true, der)[0]) !== jwk.x) {
    throw dataError("The key's x is not that of its d");
  }
  return { type, der };
}

/** `name` is the algorithm of the keys, `curve` what is done with them. */
function octetKeys(name, use, uses, operations, curve = name) {
  // Only where the two differ does an algorithm name its curve: itself.
  const algorithmOf = () => curve === name ? { name } : { name, namedCurve: name };
  const checkCurve = (params, method) => {
    if (curve !== name && params.namedCurve !== name) {
      throw notSupported(`${name} with the curve ${params.namedCurve}`, method);
    }
  };
  implementations[name] = {
    __proto__: null,
    ...operations,
    uses,
    typeOf: () => curve,
    generateKey(params, extractable, usages) {
      checkCurve(params, "generateKey");
      usages = checkUsages(usages, allUses(uses));
      currentInvocation();
      return makePair(done(native.generateKeyPair(curve), "No key was made"), algorithmOf(),
        extractable, usages, uses);
    },
    importKey(params, format, keyData, extractable, usages) {
      checkCurve(params, "importKey");
      let imported;
      if (isRawPublic(format)) {
        checkUsages(usages, uses.public);
        imported = { type: "public", der: read(native.importPoint(curve, keyData)) };
      } else if (format === "jwk") {
        imported = importOctetJwk(keyData, curve, use, uses, extractable, usages);
      } else if (format === "spki" || format === "pkcs8") {
        imported = importDer(format, keyData, curve, uses, usages);
      } else {
        throw notSupported(`${name} with the key format ${format}`, "importKey");
      }
      const { type, der } = imported;
      return makeKey(type, extractable, algorithmOf(), checkUsages(usages, uses[type]), der);
    },
    exportKey(format, key) {
      if (format === "spki" || format === "pkcs8") return exportDer(format, key);
      const parts = done(native.keyParts(curve, key.type === "private", key.bytes), "No such key");
      if (isRawPublic(format)) {
        checkType(key, "public", "be exported raw");
        return bufferOf(parts[0]);
      }
      if (format !== "jwk") {
        throw notSupported(`${name} with the key format ${format}`, "exportKey");
      }
      const members = { kty: "OKP", crv: curve, x: native.toBase64Url(parts[0]) };
      if (uses === signer) members.alg = curve;
      if (parts.length > 1) members.d = native.toBase64Url(parts[1]);
      return exportJwk(key, members);
    },
  };
}

function edwards(name, curve = name) {
  const contextOf = (params) => params.context ?? noBytes;
  const checkSign = (params) => {
    if (TypedArrayPrototypeGetByteLength(contextOf(params)) > 255) {
      throw operationError("The context has at most 255 bytes");
    }
  };
  octetKeys(name, "sig", signer, {
    checkSign,
    sign(params, key, data) {
      checkSign(params);
      checkType(key, "private", "sign");
      return done(native.sign(curve, curve, undefined, 0, contextOf(params), key.bytes, data),
        "The key cannot sign this");
    },
    verify(params, key, signature, data) {
      checkSign(params);
      checkType(key, "public", "verify");
      return native.verify(curve, curve, undefined, 0, contextOf(params), key.bytes, signature,
        data);
    },
  }, curve);
}
edwards("Ed25519");
edwards("Ed448");
// What Workers had before Ed25519 was a standard.
edwards("NODE-ED25519", "Ed25519");

function montgomery(name, bits) {
  octetKeys(name, "enc", agreer, {
    checkDerive(params, length) {
      if (length !== null && length > bits) {
        throw operationError("The shared secret is shorter than that");
      }
    },
    deriveBits: (params, key, length) => agree(name, params, key, length),
  });
}
montgomery("X25519", 256);
montgomery("X448", 448);
