// Key pairs of SubtleCrypto (RSA, ECDSA, Ed25519), and JSON Web Keys of all kinds.
// https://w3c.github.io/webcrypto/#rsassa-pkcs1 #rsa-pss #ecdsa #ed25519 #jwk-mapping-usages

const {
  ArrayIsArray, ArrayPrototypeIndexOf, ArrayPrototypeSlice, ReflectApply, StringPrototypeSlice,
  TypedArrayPrototypeGetBuffer, TypedArrayPrototypeGetByteLength, TypedArrayPrototypeSet,
  Uint8Array,
} = internals.primordials;
const { converters } = internals.webidl;
const { domException } = internals;
const { digestOf, makeKey, notSupported, randomBytes } = internals.crypto;
const { BufferSource, DOMString } = converters;

function dataError(message) {
  return domException("DataError", message);
}

// ---- JSON Web Keys ------------------------------------------------------------------------------

/** Members of a JsonWebKey that decide here, read once each and converted. */
function readJwk(jwk) {
  const result = { __proto__: null };
  const names = ["alg", "crv", "d", "dp", "dq", "e", "k", "kty", "n", "p", "q", "qi", "use", "x",
    "y"];
  for (let i = 0; i < names.length; i++) {
    const value = jwk[names[i]];
    if (value !== undefined) result[names[i]] = DOMString(value, "JsonWebKey", names[i]);
  }
  if (jwk.ext !== undefined) result.ext = !!jwk.ext;
  if (jwk.key_ops !== undefined) result.key_ops = jwk.key_ops;
  return result;
}

/** What holds for a key of any kind. https://w3c.github.io/webcrypto/#dictdef-jsonwebkey */
function checkJwk(jwk, kty, extractable, usages, use) {
  if (jwk.kty !== kty) throw dataError(`The key's kty is not '${kty}'`);
  if (usages.length > 0 && jwk.use !== undefined && jwk.use !== use) {
    throw dataError(`The key's use is not '${use}'`);
  }
  if (jwk.key_ops !== undefined) {
    for (let i = 0; i < usages.length; i++) {
      if (!ArrayIsArray(jwk.key_ops) || ArrayPrototypeIndexOf(jwk.key_ops, usages[i]) < 0) {
        throw dataError(`The key's key_ops do not allow '${usages[i]}'`);
      }
    }
  }
  if (jwk.ext === false && extractable) throw dataError("The key's ext forbids to export it");
}

function fromBase64Url(text, name) {
  const bytes = text === undefined ? undefined : native.fromBase64Url(text);
  if (bytes === undefined) throw dataError(`The key's ${name} is not base64url`);
  return bytes;
}

/** The bytes of an "oct" key; `alg` is what its alg must be, or makes that of the length. */
function importJwkBytes(keyData, alg, extractable, usages, use) {
  const jwk = readJwk(keyData);
  checkJwk(jwk, "oct", extractable, usages, use);
  const bytes = fromBase64Url(jwk.k, "k");
  const expected = typeof alg === "function" ? alg(TypedArrayPrototypeGetByteLength(bytes)) : alg;
  if (jwk.alg !== undefined && jwk.alg !== expected) {
    throw dataError(`The key's alg is '${jwk.alg}', not '${expected}'`);
  }
  return bytes;
}

function exportJwkBytes(key, alg) {
  return { kty: "oct", k: native.toBase64Url(key.bytes), alg, key_ops: copyList(key.usages),
    ext: key.extractable };
}

function copyList(list) {
  return ArrayPrototypeSlice(list);
}

// ---- common to key pairs ------------------------------------------------------------------------

/** A private key signs, a public one verifies; nothing else. */
function pairUsages(usages, type) {
  const allowed = type === "private" ? "sign" : "verify";
  for (let i = 0; i < usages.length; i++) {
    if (usages[i] !== allowed) {
      throw domException("SyntaxError", `The key usage '${usages[i]}' is not one of this key's`);
    }
  }
  return usages.length === 0 ? [] : [allowed];
}

function makePair(ders, algorithm, extractable, usages) {
  const signs = [], verifies = [];
  for (let i = 0; i < usages.length; i++) {
    if (usages[i] === "sign") signs[0] = "sign";
    else if (usages[i] === "verify") verifies[0] = "verify";
    else pairUsages(usages, "private");
  }
  return {
    privateKey: makeKey("private", extractable, algorithm, signs, ders[0]),
    publicKey: makeKey("public", true, algorithm, verifies, ders[1]),
  };
}

function checkType(key, type, usage) {
  if (key.type !== type) {
    throw domException("InvalidAccessError", `A ${key.type} key cannot ${usage}`);
  }
}

/** Imports the DER formats: [type, DER in normal form]. */
function importDer(format, keyData, kind) {
  const type = format === "pkcs8" ? "private" : "public";
  const der = native.importDer(kind, type === "private", keyData);
  if (der === undefined) throw dataError(`The data is not a ${type} key of this algorithm`);
  return { type, der };
}

function exportDer(format, key) {
  if (key.type !== (format === "pkcs8" ? "private" : "public")) {
    throw domException("InvalidAccessError", `A ${key.type} key has no ${format} form`);
  }
  return TypedArrayPrototypeGetBuffer(native.copyBytes(key.bytes));
}

function required(der) {
  if (der === undefined) throw dataError("The data is not a key of this algorithm");
  return der;
}

function signWith(scheme, kind, hash, saltBytes, key, data) {
  checkType(key, "private", "sign");
  const signature = native.sign(scheme, kind, hash, saltBytes, key.bytes, data);
  if (signature === undefined) throw domException("OperationError", "The key cannot sign this");
  return signature;
}

function verifyWith(scheme, kind, hash, saltBytes, key, signature, data) {
  checkType(key, "public", "verify");
  return native.verify(scheme, kind, hash, saltBytes, key.bytes, signature, data);
}

// ---- RSA ----------------------------------------------------------------------------------------

const rsaNames = ["n", "e", "d", "p", "q", "dp", "dq", "qi"];

function keyHash(params, prefix) {
  const hash = digestOf(params.hash, prefix);
  if (hash === "MD5") throw notSupported(hash, "keys");
  return hash;
}

/** {name, modulusLength, publicExponent, hash} of a key. */
function rsaAlgorithm(name, type, der, hash) {
  const parts = native.keyParts("RSA", type === "private", der);
  let bits = TypedArrayPrototypeGetByteLength(parts[0]) * 8;
  for (let top = parts[0][0]; top < 128 && top > 0; top *= 2) bits--;
  return { name, modulusLength: bits, publicExponent: parts[1], hash: { name: hash } };
}

function importRsaJwk(keyData, alg, extractable, usages) {
  const jwk = readJwk(keyData);
  checkJwk(jwk, "RSA", extractable, usages, "sig");
  if (jwk.alg !== undefined && jwk.alg !== alg) {
    throw dataError(`The key's alg is '${jwk.alg}', not '${alg}'`);
  }
  const count = jwk.d === undefined ? 2 : 8;
  const parts = [];
  for (let i = 0; i < count; i++) parts[i] = fromBase64Url(jwk[rsaNames[i]], rsaNames[i]);
  return { type: count === 2 ? "public" : "private",
    der: required(ReflectApply(native.importRsaParts, undefined, parts)) };
}

/** RSASSA-PKCS1-v1_5 and RSA-PSS differ in how they sign only. */
function rsa(name, algPrefix, saltOf) {
  const jwkAlg = (hash) => algPrefix + (hash === "SHA-1" ? "1" : StringPrototypeSlice(hash, 4));
  return {
    sign: (params, key, data, prefix) =>
      signWith(name, "RSA", key.algorithm.hash.name, saltOf(params, prefix), key, data),
    verify: (params, key, signature, data, prefix) => verifyWith(name, "RSA",
      key.algorithm.hash.name, saltOf(params, prefix), key, signature, data),
    generateKey(params, extractable, usages, prefix) {
      const bits = converters.enforcedUnsignedLong(params.modulusLength, prefix, "modulusLength");
      const exponent = native.copyBytes(
        BufferSource(params.publicExponent, prefix, "publicExponent"));
      const hash = keyHash(params, prefix);
      randomBytes(1);  // Refused outside of a request, like all that is random.
      const ders = native.generateKeyPair("RSA", bits, exponent);
      if (ders === undefined) {
        throw domException("OperationError", "RSA keys here have 1024 to 4096 bits");
      }
      const algorithm = rsaAlgorithm(name, "public", ders[1], hash);
      return makePair(ders, algorithm, extractable, usages);
    },
    importKey(format, keyData, params, extractable, usages, prefix) {
      const hash = keyHash(params, prefix);
      if (format === "raw") throw notSupported(format, `a key of ${name}`);
      const { type, der } = format === "jwk"
        ? importRsaJwk(keyData, jwkAlg(hash), extractable, usages)
        : importDer(format, keyData, "RSA");
      return makeKey(type, extractable, rsaAlgorithm(name, type, der, hash),
        pairUsages(usages, type), der);
    },
    exportKey(format, key) {
      if (format === "raw") throw notSupported(format, `a key of ${name}`);
      if (format !== "jwk") return exportDer(format, key);
      const jwk = { kty: "RSA", alg: jwkAlg(key.algorithm.hash.name), ext: key.extractable,
        key_ops: copyList(key.usages) };
      const parts = native.keyParts("RSA", key.type === "private", key.bytes);
      for (let i = 0; i < parts.length; i++) jwk[rsaNames[i]] = native.toBase64Url(parts[i]);
      return jwk;
    },
  };
}

function pssSalt(params, prefix) {
  return converters.enforcedUnsignedLong(params.saltLength, prefix, "saltLength");
}

// ---- ECDSA --------------------------------------------------------------------------------------

const curveBytes = { __proto__: null, "P-256": 32, "P-384": 48, "P-521": 66 };
const curveAlgs = { __proto__: null, "P-256": "ES256", "P-384": "ES384", "P-521": "ES512" };

function curveOf(params, prefix) {
  const curve = DOMString(params.namedCurve, prefix, "namedCurve");
  if (curveBytes[curve] === undefined) throw notSupported(`the curve ${curve}`, "ECDSA");
  return curve;
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

function importEcJwk(keyData, curve, extractable, usages) {
  const jwk = readJwk(keyData);
  checkJwk(jwk, "EC", extractable, usages, "sig");
  if (jwk.crv !== curve) throw dataError(`The key's crv is not '${curve}'`);
  if (jwk.alg !== undefined && jwk.alg !== curveAlgs[curve]) {
    throw dataError(`The key's alg is '${jwk.alg}', not '${curveAlgs[curve]}'`);
  }
  const x = fromBase64Url(jwk.x, "x"), y = fromBase64Url(jwk.y, "y");
  if (TypedArrayPrototypeGetByteLength(x) !== curveBytes[curve] ||
      TypedArrayPrototypeGetByteLength(y) !== curveBytes[curve]) {
    throw dataError(`x and y of a key of ${curve} have ${curveBytes[curve]} bytes`);
  }
  const d = jwk.d === undefined ? undefined : fromBase64Url(jwk.d, "d");
  return { type: d === undefined ? "public" : "private",
    der: required(native.importPoint(curve, pointOf(x, y), d)) };
}

const ecdsa = {
  sign: (params, key, data, prefix) =>
    signWith("ECDSA", key.algorithm.namedCurve, keyHash(params, prefix), 0, key, data),
  verify: (params, key, signature, data, prefix) => verifyWith("ECDSA", key.algorithm.namedCurve,
    keyHash(params, prefix), 0, key, signature, data),
  generateKey(params, extractable, usages, prefix) {
    const namedCurve = curveOf(params, prefix);
    randomBytes(1);
    return makePair(native.generateKeyPair(namedCurve), { name: "ECDSA", namedCurve }, extractable,
      usages);
  },
  importKey(format, keyData, params, extractable, usages, prefix) {
    const namedCurve = curveOf(params, prefix);
    let imported;
    if (format === "jwk") imported = importEcJwk(keyData, namedCurve, extractable, usages);
    else if (format !== "raw") imported = importDer(format, keyData, namedCurve);
    else imported = { type: "public", der: required(native.importPoint(namedCurve, keyData)) };
    const { type, der } = imported;
    return makeKey(type, extractable, { name: "ECDSA", namedCurve }, pairUsages(usages, type), der);
  },
  exportKey(format, key) {
    if (format === "pkcs8" || format === "spki") return exportDer(format, key);
    const { namedCurve } = key.algorithm;
    const parts = native.keyParts(namedCurve, key.type === "private", key.bytes);
    if (format === "raw") {
      checkType(key, "public", "be exported raw");
      return TypedArrayPrototypeGetBuffer(pointOf(parts[0], parts[1]));
    }
    const jwk = { kty: "EC", crv: namedCurve, x: native.toBase64Url(parts[0]),
      y: native.toBase64Url(parts[1]), ext: key.extractable, key_ops: copyList(key.usages) };
    if (parts.length > 2) jwk.d = native.toBase64Url(parts[2]);
    return jwk;
  },
};

// ---- Ed25519 ------------------------------------------------------------------------------------

function importEdJwk(keyData, extractable, usages) {
  const jwk = readJwk(keyData);
  checkJwk(jwk, "OKP", extractable, usages, "sig");
  if (jwk.crv !== "Ed25519") throw dataError("The key's crv is not 'Ed25519'");
  if (jwk.alg !== undefined && jwk.alg !== "EdDSA" && jwk.alg !== "Ed25519") {
    throw dataError(`The key's alg is '${jwk.alg}', not 'Ed25519'`);
  }
  const x = fromBase64Url(jwk.x, "x");
  const d = jwk.d === undefined ? undefined : fromBase64Url(jwk.d, "d");
  const der = required(native.importPoint("Ed25519", x, d));
  if (d !== undefined && native.toBase64Url(native.keyParts("Ed25519", true, der)[0]) !== jwk.x) {
    throw dataError("The key's x is not that of its d");
  }
  return { type: d === undefined ? "public" : "private", der };
}

const ed25519 = {
  sign: (params, key, data) => signWith("Ed25519", "Ed25519", undefined, 0, key, data),
  verify: (params, key, signature, data) =>
    verifyWith("Ed25519", "Ed25519", undefined, 0, key, signature, data),
  generateKey(params, extractable, usages) {
    randomBytes(1);
    return makePair(native.generateKeyPair("Ed25519"), { name: "Ed25519" }, extractable, usages);
  },
  importKey(format, keyData, params, extractable, usages) {
    let imported;
    if (format === "jwk") imported = importEdJwk(keyData, extractable, usages);
    else if (format !== "raw") imported = importDer(format, keyData, "Ed25519");
    else imported = { type: "public", der: required(native.importPoint("Ed25519", keyData)) };
    const { type, der } = imported;
    return makeKey(type, extractable, { name: "Ed25519" }, pairUsages(usages, type), der);
  },
  exportKey(format, key) {
    if (format === "pkcs8" || format === "spki") return exportDer(format, key);
    const parts = native.keyParts("Ed25519", key.type === "private", key.bytes);
    if (format === "raw") {
      checkType(key, "public", "be exported raw");
      return TypedArrayPrototypeGetBuffer(parts[0]);
    }
    const jwk = { kty: "OKP", crv: "Ed25519", alg: "Ed25519", x: native.toBase64Url(parts[0]),
      ext: key.extractable, key_ops: copyList(key.usages) };
    if (parts.length > 1) jwk.d = native.toBase64Url(parts[1]);
    return jwk;
  },
};

internals.cryptoAsymmetric = {
  importJwkBytes, exportJwkBytes,
  asymmetric: {
    "RSASSA-PKCS1-v1_5": rsa("RSASSA-PKCS1-v1_5", "RS", () => 0),
    "RSA-PSS": rsa("RSA-PSS", "PS", pssSalt),
    ECDSA: ecdsa,
    Ed25519: ed25519,
  },
};
