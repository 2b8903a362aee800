const { subtle } = crypto;
const utf8 = (text) => new TextEncoder().encode(text);
const hex = (buffer) => [...new Uint8Array(buffer)].map((b) => b.toString(16).padStart(2,
  "0")).join("");
const unhex = (text) => new Uint8Array((text.match(/../g) ?? []).map((pair) => parseInt(pair, 16)));
const equal = (a, b) => same(hex(a), hex(b));

const pairs = [
  [{ name: "ECDH", namedCurve: "P-256" }, ["deriveBits", "deriveKey"]],
  [{ name: "ECDH", namedCurve: "P-384" }, ["deriveBits"]],
  [{ name: "ECDH", namedCurve: "P-521" }, ["deriveBits"]],
  ["X25519", ["deriveBits"]],
  ["X448", ["deriveBits"]],
];

test("Both sides of a key agreement come to the same secret, whole or in part", async () => {
  for (const [algorithm, usages] of pairs) {
    const mine = await subtle.generateKey(algorithm, false, usages);
    const theirs = await subtle.generateKey(algorithm, true, usages);
    const name = algorithm.name ?? algorithm;
    const one = await subtle.deriveBits({ name, public: theirs.publicKey }, mine.privateKey);
    const two = await subtle.deriveBits({ name, public: mine.publicKey }, theirs.privateKey, null);
    equal(one, two);
    const part = await subtle.deriveBits({ name, public: theirs.publicKey }, mine.privateKey, 21);
    same(part.byteLength, 3);
    same(hex(part).slice(0, 4), hex(one).slice(0, 4));
    same(new Uint8Array(part)[2] & 7, 0);
    await rejects("OperationError", subtle.deriveBits({ name, public: theirs.publicKey },
      mine.privateKey, one.byteLength * 8 + 8));
    await rejects("InvalidAccessError", subtle.deriveBits({ name, public: theirs.privateKey },
      mine.privateKey, 8));
  }
  const p256 = await subtle.generateKey(...[pairs[0][0], true, pairs[0][1]]);
  const p384 = await subtle.generateKey(...[pairs[1][0], true, pairs[1][1]]);
  await rejects("InvalidAccessError", subtle.deriveBits({ name: "ECDH", public: p384.publicKey },
    p256.privateKey, 8));
  await rejects("TypeError", subtle.deriveBits({ name: "ECDH", public: {} }, p256.privateKey, 8));
});

test("A key agreement makes a key of another algorithm", async () => {
  const mine = await subtle.generateKey("X25519", false, ["deriveKey"]);
  const aes = await subtle.deriveKey({ name: "X25519", public: mine.publicKey }, mine.privateKey,
    { name: "AES-GCM", length: 128 }, true, ["encrypt"]);
  same((await subtle.exportKey("raw", aes)).byteLength, 16);
  // HMAC with SHA-256 wants 512 bits; the secret has 256.
  await rejects("OperationError", subtle.deriveKey({ name: "X25519", public: mine.publicKey },
    mine.privateKey, { name: "HMAC", hash: "SHA-256" }, true, ["sign"]));
});

test("X25519 gives the secret of RFC 7748, and none for a point of small order", async () => {
  const secret = await subtle.importKey("jwk", { kty: "OKP", crv: "X25519",
    d: "dwdtCnMYpX08FsFyUbJmRd9ML4frwJkqsXf7pR25LCo",
    x: "hSDwCYkwp1R0i33ctD73Wg2_Og0mOBr066SpjqqbTmo" },
  "X25519", false, ["deriveBits"]);
  const open = await subtle.importKey("raw",
    unhex("de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f"), "X25519", true, []);
  same(hex(await subtle.deriveBits({ name: "X25519", public: open }, secret, 256)),
    "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742");
  const small = await subtle.importKey("raw", new Uint8Array(32), "X25519", true, []);
  await rejects("OperationError", subtle.deriveBits({ name: "X25519", public: small }, secret,
    256));
});

test("AES-KW wraps as RFC 3394 section 4.1 has it, and refuses what was changed", async () => {
  const kek = await subtle.importKey("raw", unhex("000102030405060708090a0b0c0d0e0f"), "AES-KW",
    false, ["wrapKey", "unwrapKey"]);
  const key = await subtle.importKey("raw", unhex("00112233445566778899aabbccddeeff"), "AES-CBC",
    true, ["encrypt"]);
  const wrapped = await subtle.wrapKey("raw", key, kek, "AES-KW");
  same(hex(wrapped), "1fa68b0a8112b447aef34bd8fb5a7b829d3e862371d2cfe5");
  const back = await subtle.unwrapKey("raw", wrapped, kek, "AES-KW", "AES-CBC", true, ["encrypt"]);
  equal(await subtle.exportKey("raw", back), unhex("00112233445566778899aabbccddeeff"));
  new Uint8Array(wrapped)[3] ^= 1;
  for (const bad of [wrapped, new Uint8Array(0), new Uint8Array(16), new Uint8Array(25)]) {
    await rejects("OperationError", subtle.unwrapKey("raw", bad, kek, "AES-KW", "AES-CBC", true,
      ["encrypt"]));
  }
});

test("RSA-OAEP encrypts for its label only, and wraps keys", async () => {
  const { publicKey, privateKey } = await subtle.generateKey({ name: "RSA-OAEP",
    modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]), hash: "SHA-256" }, true,
  ["encrypt", "decrypt", "wrapKey", "unwrapKey"]);
  same(publicKey.usages.join(), "encrypt,wrapKey");
  same(privateKey.usages.join(), "decrypt,unwrapKey");
  const label = utf8("for you");
  const secret = await subtle.encrypt({ name: "RSA-OAEP", label }, publicKey, utf8("hello"));
  equal(await subtle.decrypt({ name: "RSA-OAEP", label }, privateKey, secret), utf8("hello"));
  await rejects("OperationError", subtle.decrypt("RSA-OAEP", privateKey, secret));
  await rejects("OperationError", subtle.encrypt("RSA-OAEP", publicKey, new Uint8Array(191)));
  await rejects("InvalidAccessError", subtle.encrypt("RSA-OAEP", privateKey, utf8("x")));
  const aes = await subtle.generateKey({ name: "AES-GCM", length: 256 }, true, ["encrypt"]);
  for (const format of ["raw", "jwk"]) {
    const wrapped = await subtle.wrapKey(format, aes, publicKey, "RSA-OAEP");
    const back = await subtle.unwrapKey(format, wrapped, privateKey, "RSA-OAEP", "AES-GCM", true,
      ["encrypt"]);
    equal(await subtle.exportKey("raw", back), await subtle.exportKey("raw", aes));
  }
  same((await subtle.exportKey("jwk", publicKey)).alg, "RSA-OAEP-256");
});

test("A counter of AES-CTR wraps around within its own bits", async () => {
  const key = await subtle.importKey("raw", unhex("2b7e151628aed2a6abf7158809cf4f3c"), "AES-CTR",
    true, ["encrypt"]);
  const block = async (counter) => hex(await subtle.encrypt({ name: "AES-CTR", length: 128,
    counter: unhex(counter) }, key, new Uint8Array(16)));
  for (const [length, last, first] of [
    [4, "f0f1f2f3f4f5f6f7f8f9fafbfcfdfe0f", "f0f1f2f3f4f5f6f7f8f9fafbfcfdfe00"],
    [8, "000000000000000000000000000000ff", "00000000000000000000000000000000"],
    [128, "ffffffffffffffffffffffffffffffff", "00000000000000000000000000000000"]]) {
    const both = hex(await subtle.encrypt({ name: "AES-CTR", length, counter: unhex(last) }, key,
      new Uint8Array(32)));
    same(both, await block(last) + await block(first));
  }
  // More blocks than the counter has values would use one twice.
  await rejects("OperationError", subtle.encrypt({ name: "AES-CTR", length: 1,
    counter: new Uint8Array(16) }, key, new Uint8Array(33)));
});

test("HMAC keys may have any number of bits", async () => {
  const key = await subtle.importKey("raw", unhex("ffff"), { name: "HMAC", hash: "SHA-256",
    length: 9 }, true, ["sign"]);
  same(key.algorithm.length, 9);
  same(hex(await subtle.exportKey("raw", key)), "ff80");
  for (const length of [0, 8, 17]) {
    await rejects("DataError", subtle.importKey("raw", unhex("ffff"), { name: "HMAC",
      hash: "SHA-256", length }, true, ["sign"]));
  }
});

test("The digests of NIST and RFC 9861 answer their shortest vectors", async () => {
  const digest = async (algorithm) => hex(await subtle.digest(algorithm, utf8("abc")));
  same(await digest("sha3-256"),
    "3a985da74fe225b2045c172d6bd390bd855f086e3e9d525b46bfe24511431532");
  const empty = async (algorithm) => hex(await subtle.digest(algorithm, new Uint8Array(0)));
  same(await empty({ name: "cSHAKE128", outputLength: 128 }), "7f9c2ba4e88f827d616045507605853e");
  same(await empty({ name: "TurboSHAKE128", outputLength: 128 }),
    "1e415f1c5983aff2169217277d17bb53");
  same(await empty({ name: "KT128", outputLength: 128 }), "1ac2d450fc3b4205d19da7bfca1b3751");
  await rejects("OperationError", subtle.digest({ name: "KT128", outputLength: 7 }, utf8("")));
  await rejects("OperationError", subtle.digest({ name: "KT128", outputLength: 2 ** 31 },
    utf8("")));
  await rejects("TypeError", subtle.digest("KT128", utf8("")));
});

test("Keys of ML-DSA and ML-KEM are made, exported by their seed, and do their work", async () => {
  const signer = await subtle.generateKey("ML-DSA-65", true, ["sign", "verify"]);
  const context = utf8("what for");
  const signature = await subtle.sign({ name: "ML-DSA-65", context }, signer.privateKey, utf8("x"));
  ok(await subtle.verify({ name: "ML-DSA-65", context }, signer.publicKey, signature, utf8("x")));
  ok(!await subtle.verify("ML-DSA-65", signer.publicKey, signature, utf8("x")));
  const seed = await subtle.exportKey("raw-seed", signer.privateKey);
  same(seed.byteLength, 32);
  const again = await subtle.importKey("raw-seed", seed, "ML-DSA-65", true, ["sign"]);
  equal(await subtle.exportKey("pkcs8", again), await subtle.exportKey("pkcs8", signer.privateKey));

  const { publicKey, privateKey } = await subtle.generateKey("ML-KEM-768", false,
    ["encapsulateKey", "decapsulateKey", "encapsulateBits", "decapsulateBits"]);
  const { sharedKey, ciphertext } = await subtle.encapsulateBits("ML-KEM-768", publicKey);
  equal(await subtle.decapsulateBits("ML-KEM-768", privateKey, ciphertext), sharedKey);
  const aes = await subtle.decapsulateKey("ML-KEM-768", privateKey, ciphertext, "AES-GCM", true,
    ["encrypt"]);
  equal(await subtle.exportKey("raw", aes), sharedKey);
  await rejects("OperationError", subtle.decapsulateBits("ML-KEM-768", privateKey, utf8("short")));
});

test("ChaCha20-Poly1305, AES-OCB and KMAC keep what they promise", async () => {
  for (const [name, iv] of [["ChaCha20-Poly1305", 12], ["AES-OCB", 15]]) {
    const key = await subtle.generateKey({ name, length: 256 }, true, ["encrypt", "decrypt"]);
    const params = { name, iv: new Uint8Array(iv), additionalData: utf8("head") };
    const sealed = await subtle.encrypt(params, key, utf8("body"));
    same(sealed.byteLength, 20);
    equal(await subtle.decrypt(params, key, sealed), utf8("body"));
    await rejects("OperationError", subtle.decrypt({ ...params, additionalData: utf8("tail") }, key,
      sealed));
    await rejects("OperationError", subtle.encrypt({ ...params, iv: new Uint8Array(16) }, key,
      utf8("")));
    await rejects("NotSupportedError", subtle.exportKey("raw", key));
  }
  const mac = await subtle.generateKey("KMAC128", true, ["sign", "verify"]);
  const kmac = { name: "KMAC128", outputLength: 256, customization: utf8("c") };
  const tag = await subtle.sign(kmac, mac, utf8("data"));
  ok(await subtle.verify(kmac, mac, tag, utf8("data")));
  ok(!await subtle.verify({ ...kmac, customization: utf8("d") }, mac, tag, utf8("data")));
});

test("Argon2 is bounded in memory and work", async () => {
  const key = await subtle.importKey("raw-secret", utf8("password"), "Argon2id", false,
    ["deriveBits"]);
  const argon = { name: "Argon2id", nonce: new Uint8Array(16), parallelism: 1, memory: 64,
    passes: 1 };
  same((await subtle.deriveBits(argon, key, 256)).byteLength, 32);
  for (const wrong of [{ memory: 4 }, { memory: 2 ** 31 }, { passes: 0 }, { passes: 2 ** 31 },
    { memory: 65536, passes: 999 }, { parallelism: 0 }, { parallelism: 2 ** 24 - 1 },
    { version: 16 }, { nonce: new Uint8Array(7) }]) {
    await rejects("OperationError", subtle.deriveBits({ ...argon, ...wrong }, key, 256));
  }
});

test("crypto.DigestStream digests what is written, as bytes or text", async () => {
  const stream = new crypto.DigestStream("SHA-256");
  ok(stream instanceof WritableStream);
  const writer = stream.getWriter();
  writer.write(utf8("a"));
  writer.write(utf8("b").buffer);
  writer.write("c");
  await writer.close();
  equal(await stream.digest, await subtle.digest("SHA-256", utf8("abc")));
  same(stream.bytesWritten, 3);

  const wrong = new crypto.DigestStream({ name: "md5" });
  await rejects("TypeError", wrong.getWriter().write(7));
  await rejects("TypeError", wrong.digest);
  const aborted = new crypto.DigestStream("SHA-1");
  await aborted.abort(new RangeError("enough"));
  await rejects("RangeError", aborted.digest);
  throws("NotSupportedError", () => new crypto.DigestStream("AES-GCM"));
  throws("TypeError", () => crypto.DigestStream("SHA-256"));
  const body = new Response("streamed").body;
  const piped = new crypto.DigestStream("SHA-512");
  await body.pipeTo(piped);
  equal(await piped.digest, await subtle.digest("SHA-512", utf8("streamed")));
});

test("SubtleCrypto.supports() knows operations, algorithms and their parameters", () => {
  for (const [operation, algorithm, extra] of [["encrypt", { name: "AES-GCM", iv: utf8("x") }],
    ["digest", "SHA-1"], ["wrapKey", "AES-KW"], ["deriveBits", { name: "HKDF", hash: "SHA-256",
      salt: utf8(""), info: utf8("") }, 8], ["encapsulateKey", "ML-KEM-512",
      { name: "AES-GCM", length: 256 }]]) {
    ok(SubtleCrypto.supports(operation, algorithm, extra), operation);
  }
  for (const [operation, algorithm, extra] of [["encrypt", "AES-GCM"], ["sign", "SHA-1"],
    ["fly", "SHA-1"], ["generateKey", { name: "AES-GCM", length: 100 }],
    ["encapsulateKey", "ML-KEM-512", { name: "AES-GCM", length: 128 }]]) {
    ok(!SubtleCrypto.supports(operation, algorithm, extra), operation);
  }
});

test("What a tenant writes into a key's algorithm changes neither key nor clone", async () => {
  const { publicKey } = await subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, true,
    ["sign", "verify"]);
  publicKey.algorithm.namedCurve = "P-521";
  publicKey.usages.push("sign");
  const clone = structuredClone(publicKey);
  same(clone.algorithm.namedCurve, "P-256");
  same(clone.usages.join(), "verify");
  same((await subtle.exportKey("raw", publicKey)).byteLength, 65);
});

test("Secret bytes under way are not found by a patched Object.prototype.then", async () => {
  const seen = [];
  Object.defineProperty(Object.prototype, "then", { configurable: true,
    get() { if (this instanceof ArrayBuffer) seen.push(this); return undefined; } });
  try {
    await subtle.generateKey({ name: "RSA-PSS", modulusLength: 1024, hash: "SHA-256",
      publicExponent: new Uint8Array([3]) }, false, ["sign"]);
    const key = await subtle.importKey("raw", utf8("password"), "PBKDF2", false, ["deriveKey"]);
    await subtle.deriveKey({ name: "PBKDF2", hash: "SHA-256", salt: utf8(""), iterations: 1 }, key,
      { name: "AES-GCM", length: 128 }, false, ["encrypt"]);
  } finally {
    delete Object.prototype.then;
  }
  same(seen.length, 0);
});

test("What waits to be computed is bounded in bytes, and lets go of them when done", async () => {
  const key = await subtle.importKey("raw", new Uint8Array(1 << 20), "PBKDF2", false,
    ["deriveBits"]);
  const derive = () => subtle.deriveBits({ name: "PBKDF2", hash: "SHA-1", salt: utf8("salt"),
    iterations: 1 }, key, 8);
  const all = await Promise.allSettled(Array.from({ length: 200 }, derive));
  const refused = all.filter(({ status }) => status === "rejected");
  ok(refused.length > 60 && refused.length < 100, String(refused.length));
  ok(refused[0].reason.message.includes("under way"), refused[0].reason.message);
  same((await derive()).byteLength, 1);
});
