// Which algorithm supports which operation with which parameters, and reading those parameters.
// https://w3c.github.io/webcrypto/#algorithm-normalization
// https://wicg.github.io/webcrypto-modern-algos/ https://wicg.github.io/webcrypto-secure-curves/

const {
  ArrayPrototypePush, RegExpPrototypeExec, StringPrototypeToLowerCase,
  TypedArrayPrototypeGetSymbolToStringTag,
} = internals.primordials;
const {
  converters, createDictionaryConverter, createSequenceConverter, isObject, typeError,
} = internals.webidl;
const { load } = internals;
const { copyOf, isCryptoKey, notSupported, secretOf } = internals.crypto;
const { BufferSource, DOMString } = converters;

// ---- dictionaries -------------------------------------------------------------------------------

const enforced = { enforceRange: true };
const octet = (value, prefix, argument) => converters.octet(value, prefix, argument, enforced);
const unsignedShort = (value, prefix, argument) =>
  converters.unsignedShort(value, prefix, argument, enforced);
const unsignedLong = converters.enforcedUnsignedLong;

function identifier(value, prefix, argument) {
  return isObject(value) ? value : DOMString(value, prefix, argument);
}

function bigInteger(value, prefix, argument) {
  BufferSource(value, prefix, argument);
  if (TypedArrayPrototypeGetSymbolToStringTag(value) !== "Uint8Array") {
    throw typeError(prefix, argument, "is not of type 'Uint8Array'.");
  }
  return value;
}

function cryptoKey(value, prefix, argument) {
  if (!isCryptoKey(value)) throw typeError(prefix, argument, "is not of type 'CryptoKey'.");
  return secretOf(value);
}

/** A member; `then` makes of it, once all are read, what the algorithms work with. */
const member = (key, converter, then) => ({ key, converter, required: true, then });
const option = (key, converter, then) => ({ key, converter, required: false, then });
const copy = (source) => copyOf(source);
const hashOf = (value, prefix) => normalize("hash", value, prefix);
const kHash = member("hash", identifier, hashOf);

/** Params of an operation: (algorithm, registered name, prefix) -> an object of ours. */
function params(name, ...lists) {
  // The name was read already, and is read once: its getter may have effects.
  const convert = createDictionaryConverter(name, ...lists);
  const steps = [];
  for (let i = 0; i < lists.length; i++) {
    for (let j = 0; j < lists[i].length; j++) {
      if (lists[i][j].then !== undefined) ArrayPrototypePush(steps, lists[i][j]);
    }
  }
  return (algorithm, registered, prefix) => {
    const result = convert(algorithm, prefix, "algorithm");
    result.name = registered;
    for (let i = 0; i < steps.length; i++) {
      const { key, then } = steps[i];
      if (result[key] !== undefined) result[key] = then(result[key], prefix);
    }
    return result;
  };
}

const none = (algorithm, name) => ({ __proto__: null, name });

const keyLength = [member("length", unsignedShort)];
const hashed = [kHash];
const iv = member("iv", BufferSource, copy);
const customization = option("customization", BufferSource, copy);
const aead = [iv, option("additionalData", BufferSource, copy), option("tagLength", octet)];
const rsaKeyGen = [member("modulusLength", unsignedLong),
  member("publicExponent", bigInteger, copy)];
const outputLength = member("outputLength", unsignedLong);
const context = params("ContextParams", [option("context", BufferSource, copy)]);
const keyDerive = params("EcdhKeyDeriveParams", [member("public", cryptoKey)]);
const namedCurve = params("EcKeyParams", [member("namedCurve", DOMString)]);
const rsaImport = params("RsaHashedImportParams", hashed);
const hmacParams = params("HmacParams", [kHash, option("length", unsignedLong)]);
const kmacKey = params("KmacImportParams", [option("length", unsignedLong)]);
const argon2 = params("Argon2Params", [
  member("nonce", BufferSource, copy), member("parallelism", unsignedLong),
  member("memory", unsignedLong), member("passes", unsignedLong), option("version", octet),
  option("secretValue", BufferSource, copy), option("associatedData", BufferSource, copy)]);

// ---- the registry -------------------------------------------------------------------------------

/** By name in lower case: {name, file, operations}. */
const registry = { __proto__: null };

function register(file, names, operations) {
  for (let i = 0; i < names.length; i++) {
    registry[StringPrototypeToLowerCase(names[i])] = { name: names[i], file, operations };
  }
}

function cipher(cipherParams, generateKey = params("AesKeyGenParams", keyLength)) {
  return { __proto__: null, encrypt: cipherParams, decrypt: cipherParams, generateKey,
    importKey: none, exportKey: none, keyLength: generateKey };
}

const symmetric = "web/crypto_symmetric.js";
register(symmetric, ["AES-CBC"], cipher(params("AesCbcParams", [iv])));
register(symmetric, ["AES-CTR"], cipher(params("AesCtrParams",
  [member("counter", BufferSource, copy), member("length", octet)])));
register(symmetric, ["AES-GCM", "AES-OCB"], cipher(params("AeadParams", aead)));
register(symmetric, ["ChaCha20-Poly1305"], cipher(params("AeadParams", aead), none));
register(symmetric, ["AES-KW"], { ...cipher(undefined), wrapKey: none, unwrapKey: none });
register(symmetric, ["HMAC"], { __proto__: null, sign: none, verify: none, generateKey: hmacParams,
  importKey: hmacParams, exportKey: none, keyLength: hmacParams });
const kmac = params("KmacParams", [outputLength, customization]);
register(symmetric, ["KMAC128", "KMAC256"], { __proto__: null, sign: kmac, verify: kmac,
  generateKey: kmacKey, importKey: kmacKey, exportKey: none, keyLength: kmacKey });

const derive = "web/crypto_derive.js";
const derivation = (deriveBits) => ({ __proto__: null, deriveBits, importKey: none,
  keyLength: none });
register(derive, ["HKDF"], derivation(params("HkdfParams",
  [kHash, member("info", BufferSource, copy), member("salt", BufferSource, copy)])));
register(derive, ["PBKDF2"], derivation(params("Pbkdf2Params",
  [kHash, member("iterations", unsignedLong), member("salt", BufferSource, copy)])));
register(derive, ["Argon2d", "Argon2i", "Argon2id"], derivation(argon2));

function pair(operations, generateKey = none, importKey = generateKey) {
  return { __proto__: null, ...operations, generateKey, importKey, exportKey: none,
    getPublicKey: none };
}

const rsa = "web/crypto_rsa.js";
const rsaGenerate = params("RsaHashedKeyGenParams", rsaKeyGen, hashed);
const pss = params("RsaPssParams", [member("saltLength", unsignedLong)]);
const oaep = params("RsaOaepParams", [option("label", BufferSource, copy)]);
register(rsa, ["RSASSA-PKCS1-v1_5"], pair({ sign: none, verify: none }, rsaGenerate, rsaImport));
register(rsa, ["RSA-PSS"], pair({ sign: pss, verify: pss }, rsaGenerate, rsaImport));
register(rsa, ["RSA-OAEP"], pair({ encrypt: oaep, decrypt: oaep }, rsaGenerate, rsaImport));

const curves = "web/crypto_curves.js";
const ecdsa = params("EcdsaParams", hashed);
register(curves, ["ECDSA"], pair({ sign: ecdsa, verify: ecdsa }, namedCurve));
register(curves, ["ECDH"], pair({ deriveBits: keyDerive }, namedCurve));
register(curves, ["Ed25519"], pair({ sign: none, verify: none }));
register(curves, ["NODE-ED25519"], pair({ sign: none, verify: none }, namedCurve));
register(curves, ["Ed448"], pair({ sign: context, verify: context }));
register(curves, ["X25519", "X448"], pair({ deriveBits: keyDerive }));

const lattices = "web/crypto_lattices.js";
register(lattices, ["ML-DSA-44", "ML-DSA-65", "ML-DSA-87"],
  pair({ sign: context, verify: context }));
register(lattices, ["ML-KEM-512", "ML-KEM-768", "ML-KEM-1024"],
  pair({ encapsulate: none, decapsulate: none }));

const digests = "web/crypto_digest.js";
register(digests, ["SHA-1", "SHA-256", "SHA-384", "SHA-512", "SHA3-256", "SHA3-384", "SHA3-512"],
  { __proto__: null, digest: none, hash: none });
register(digests, ["MD5"], { __proto__: null, digest: none });
register(digests, ["cSHAKE128", "cSHAKE256"], { __proto__: null, digest: params("CShakeParams",
  [outputLength, option("functionName", BufferSource, copy), customization]) });
register(digests, ["TurboSHAKE128", "TurboSHAKE256"], { __proto__: null,
  digest: params("TurboShakeParams", [outputLength, option("domainSeparation", octet)]) });
register(digests, ["KT128", "KT256"], { __proto__: null,
  digest: params("KangarooTwelveParams", [outputLength, customization]) });

// ---- normalizing --------------------------------------------------------------------------------

const beyondAscii = /[^\x00-\x7f]/;

/** The registered algorithm of that name, whatever the case of its ASCII letters. */
function find(name) {
  return RegExpPrototypeExec(beyondAscii, name) === null
    ? registry[StringPrototypeToLowerCase(name)] : undefined;
}

const readName = createDictionaryConverter("Algorithm", [member("name", DOMString)]);

/** `algorithm` is an object or string. https://w3c.github.io/webcrypto/#algorithm-normalization */
function normalize(operation, algorithm, prefix) {
  const source = isObject(algorithm) ? algorithm : { __proto__: null, name: algorithm };
  const { name } = readName(source, prefix, "algorithm");
  const entry = find(name);
  const convert = entry === undefined ? undefined : entry.operations[operation];
  if (convert === undefined) throw notSupported(name, operation);
  return convert(source, entry.name, prefix);
}

const implementations = { __proto__: null };
internals.cryptoImplementations = implementations;

/** What the algorithm of a normalized name does. */
function implementation(name) {
  if (implementations[name] === undefined) load(find(name).file);
  return implementations[name];
}

function supports(name, operation) {
  return find(name).operations[operation] !== undefined;
}

// ---- arguments ----------------------------------------------------------------------------------

const jwkMembers = [];
const jwkTexts = ["alg", "crv", "d", "dp", "dq", "e", "k", "kty", "n", "p", "priv", "pub", "q",
  "qi", "use", "x", "y"];
for (let i = 0; i < jwkTexts.length; i++) {
  ArrayPrototypePush(jwkMembers, option(jwkTexts[i], DOMString));
}
ArrayPrototypePush(jwkMembers, option("ext", converters.boolean));
ArrayPrototypePush(jwkMembers, option("key_ops", createSequenceConverter(DOMString)));
ArrayPrototypePush(jwkMembers, option("oth", createSequenceConverter(
  createDictionaryConverter("RsaOtherPrimesInfo", [option("r", DOMString), option("d", DOMString),
    option("t", DOMString)]))));

internals.cryptoNormalize = {
  normalize, implementation, supports,
  /** https://w3c.github.io/webcrypto/#dfn-JsonWebKey */
  toJwk: createDictionaryConverter("JsonWebKey", jwkMembers),
};
