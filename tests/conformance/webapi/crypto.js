const { subtle } = crypto;
const utf8 = (text) => new TextEncoder().encode(text);
const hex = (buffer) => [...new Uint8Array(buffer)].map((b) => b.toString(16).padStart(2,
  "0")).join("");
const unhex = (text) => new Uint8Array((text.match(/../g) ?? []).map((pair) => parseInt(pair, 16)));
const fromBase64Url = (text) => Uint8Array.from(
  atob(text.replaceAll("-", "+").replaceAll("_", "/")), (char) => char.charCodeAt(0));
const secret = (bytes, algorithm, usages, extractable = true) =>
  subtle.importKey("raw", bytes, algorithm, extractable, usages);

/** What a call gives here, at the module's top level. */
const outcome = (run) => {
  try {
    return run();
  } catch (error) {
    return error.message;
  }
};
const atTopLevel = [outcome(() => crypto.randomUUID()),
  outcome(() => crypto.getRandomValues(new Uint8Array(4)))];
const keyAtTopLevel = subtle.generateKey({ name: "AES-GCM", length: 128 }, true, ["encrypt"])
  .then(() => "a key", (error) => error.message);

test("Random values are not to be had outside of a handler", async () => {
  for (const message of [...atTopLevel, await keyAtTopLevel]) {
    ok(String(message).includes("global scope"), message);
  }
});

test("crypto.getRandomValues fills integer arrays and gives the same one back", () => {
  for (const Type of [Int8Array, Uint8Array, Uint8ClampedArray, Int16Array, Uint16Array, Int32Array,
    Uint32Array, BigInt64Array, BigUint64Array]) {
    const array = new Type(64);
    ok(crypto.getRandomValues(array) === array);
    ok(array.some((value) => value != 0), Type.name);
  }
  const part = new Uint8Array(96).subarray(32, 64);
  crypto.getRandomValues(part);
  const all = new Uint8Array(part.buffer);
  ok(all.slice(0, 32).every((b) => b === 0) && all.slice(64).every((b) => b === 0));
  same(crypto.getRandomValues(new Uint8Array(0)).length, 0);
  same(crypto.getRandomValues(new Uint8Array(65536)).length, 65536);
});

test("crypto.getRandomValues refuses the rest", () => {
  for (const value of [new Float32Array(1), new Float64Array(1),
    new DataView(new ArrayBuffer(1))]) {
    throws("TypeMismatchError", () => crypto.getRandomValues(value));
  }
  const tooMany = throws("QuotaExceededError",
    () => crypto.getRandomValues(new Uint8Array(65537)));
  ok(tooMany instanceof QuotaExceededError && tooMany instanceof DOMException);
  same(tooMany.code, 22);
  same(tooMany.quota, null);
  const full = new QuotaExceededError("full", { quota: 1, requested: 2 });
  same(full.quota + full.requested, 3);
  throws("RangeError", () => new QuotaExceededError("", { quota: 2, requested: 1 }));
  throws("RangeError", () => new QuotaExceededError("", { quota: -1 }));
  for (const value of [undefined, null, [], {}, new ArrayBuffer(1)]) {
    throws("TypeError", () => crypto.getRandomValues(value));
  }
  throws("TypeError", () => crypto.getRandomValues());
  const gone = new Uint8Array(4);
  gone.buffer.transfer();
  same(crypto.getRandomValues(gone).length, 0);
});

test("crypto.randomUUID gives version 4 UUIDs", () => {
  const version4 = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
  ok(version4.test(crypto.randomUUID()));
  ok(crypto.randomUUID() !== crypto.randomUUID());
});

test("subtle.digest computes every digest", async () => {
  const digest = async (name, text) => hex(await subtle.digest(name, utf8(text)));
  same(await digest("SHA-1", "abc"), "a9993e364706816aba3e25717850c26c9cd0d89d");
  same(await digest("sha-256", "abc"),
    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  same((await digest({ name: "SHA-384" }, "abc")).slice(0, 24), "cb00753f45a35e8bb5a03d69");
  same((await digest("SHA-512", "")).slice(0, 24), "cf83e1357eefb8bdf1542850");
  same(await digest("MD5", ""), "d41d8cd98f00b204e9800998ecf8427e");
  same(hex(await subtle.digest("MD5", new DataView(utf8("xabcx").buffer, 1, 3))),
    "900150983cd24fb0d6963f7d28e17f72");
  await rejects("NotSupportedError", subtle.digest("SHA-3", utf8("")), "'SHA-3'");
  await rejects("TypeError", subtle.digest("SHA-1"), "2 arguments required");
  await rejects("TypeError", subtle.digest("SHA-1", "text"));
  await rejects("TypeError", subtle.digest({}, utf8("")), "name");
  await rejects("TypeError", subtle.digest.call({}, "SHA-1", utf8("")));
});

test("subtle.timingSafeEqual compares", () => {
  ok(subtle.timingSafeEqual(utf8("same"), utf8("same")));
  ok(!subtle.timingSafeEqual(utf8("same"), utf8("sama")));
  ok(subtle.timingSafeEqual(new ArrayBuffer(0), new Uint8Array(0)));
  throws("TypeError", () => subtle.timingSafeEqual(utf8("a"), utf8("ab")));
});

test("HMAC signs and verifies (RFC 4231, case 2)", async () => {
  const key = await secret(utf8("Jefe"), { name: "HMAC", hash: "SHA-256" }, ["sign", "verify"]);
  const data = utf8("what do ya want for nothing?");
  const signature = await subtle.sign("HMAC", key, data);
  same(hex(signature), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  same(await subtle.verify("hmac", key, signature, data), true);
  same(await subtle.verify("HMAC", key, signature, utf8("other")), false);
  same(await subtle.verify("HMAC", key, signature.slice(1), data), false);
  same([key.type, key.extractable, key.algorithm, key.usages],
    ["secret", true, { name: "HMAC", length: 32, hash: { name: "SHA-256" } }, ["sign", "verify"]]);
  same(await subtle.exportKey("jwk", key),
    { kty: "oct", k: "SmVmZQ", alg: "HS256", key_ops: ["sign", "verify"], ext: true });
});

test("Keys keep to their usages, algorithm and extractability", async () => {
  const key = await secret(utf8("k"), { name: "HMAC", hash: "SHA-1" }, ["verify"], false);
  await rejects("InvalidAccessError", subtle.sign("HMAC", key, utf8("")), "sign");
  await rejects("InvalidAccessError", subtle.exportKey("raw", key), "extractable");
  await rejects("NotSupportedError", subtle.encrypt("HMAC", key, utf8("")), "'HMAC'");
  await rejects("SyntaxError", secret(utf8("k"), { name: "HMAC", hash: "SHA-1" }, []));
  await rejects("SyntaxError", secret(utf8("k"), { name: "HMAC", hash: "SHA-1" }, ["encrypt"]));
  await rejects("TypeError", secret(utf8("k"), { name: "HMAC", hash: "SHA-1" }, ["nonsense"]));
  await rejects("TypeError", secret(utf8("k"), "HMAC", ["sign"]));
  await rejects("DataError", secret(utf8(""), { name: "HMAC", hash: "SHA-1" }, ["sign"]));
  await rejects("TypeError", subtle.sign("HMAC", {}, utf8("")), "CryptoKey");
  key.usages.push("sign");
  key.algorithm.name = "AES-GCM";
  key.algorithm.hash.name = "SHA-512";
  await rejects("InvalidAccessError", subtle.sign("HMAC", key, utf8("")));
  throws("TypeError", () => new CryptoKey());
});

test("AES-GCM encrypts and decrypts (NIST test case 4)", async () => {
  const key = await secret(unhex("feffe9928665731c6d6a8f9467308308"), "AES-GCM", ["encrypt",
    "decrypt"]);
  const algorithm = { name: "AES-GCM", iv: unhex("cafebabefacedbaddecaf888"),
    additionalData: unhex("feedfacedeadbeeffeedfacedeadbeefabaddad2") };
  const plain = unhex("d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c" +
    "0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39");
  const sealed = await subtle.encrypt(algorithm, key, plain);
  same(hex(sealed).slice(-32), "5bc94fbc3221a5db94fae95ae7121a47");
  same(hex(await subtle.decrypt(algorithm, key, sealed)), hex(plain));
  const broken = new Uint8Array(sealed);
  broken[3] ^= 1;
  await rejects("OperationError", subtle.decrypt(algorithm, key, broken));
  await rejects("OperationError", subtle.decrypt(algorithm, key, new Uint8Array(3)));
  await rejects("OperationError", subtle.encrypt({ ...algorithm, tagLength: 33 }, key, plain));
  await rejects("OperationError", subtle.encrypt({ name: "AES-GCM", iv: utf8("") }, key, plain));
  await rejects("TypeError", subtle.encrypt({ name: "AES-GCM" }, key, plain), "iv");
  const short = { ...algorithm, tagLength: 96 };
  same(hex(await subtle.decrypt(short, key, await subtle.encrypt(short, key, plain))), hex(plain));
  const empty = { name: "AES-GCM", iv: new Uint8Array(12) };
  same((await subtle.decrypt(empty, key, await subtle.encrypt(empty, key, utf8("")))).byteLength,
    0);
});

test("AES-CBC and AES-CTR encrypt and decrypt (NIST SP 800-38A)", async () => {
  const bytes = unhex("2b7e151628aed2a6abf7158809cf4f3c");
  const plain = unhex("6bc1bee22e409f96e93d7e117393172a");
  const cbc = await secret(bytes, "AES-CBC", ["encrypt", "decrypt"]);
  const algorithm = { name: "AES-CBC", iv: unhex("000102030405060708090a0b0c0d0e0f") };
  const sealed = await subtle.encrypt(algorithm, cbc, plain);
  same(hex(sealed).slice(0, 32), "7649abac8119b246cee98e9b12e9197d");
  same(sealed.byteLength, 32);
  same(hex(await subtle.decrypt(algorithm, cbc, sealed)), hex(plain));
  await rejects("OperationError", subtle.decrypt(algorithm, cbc, sealed.slice(0, 17)));
  const ctr = await secret(bytes, "AES-CTR", ["encrypt", "decrypt"]);
  const counting = { name: "AES-CTR", counter: unhex("f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff"),
    length: 64 };
  same(hex(await subtle.encrypt({ ...counting, length: 128 }, ctr, plain)),
    "874d6191b620e3261bef6864990db6ce");
  await rejects("OperationError", subtle.encrypt({ ...counting, length: 0 }, ctr, plain));
  await rejects("DataError", secret(new Uint8Array(15), "AES-CBC", ["encrypt"]));
});

test("PBKDF2 and HKDF derive (RFC 6070, RFC 5869)", async () => {
  const password = await secret(utf8("password"), "PBKDF2", ["deriveBits", "deriveKey"], false);
  const pbkdf2 = { name: "PBKDF2", hash: "SHA-1", salt: utf8("salt"), iterations: 4096 };
  same(hex(await subtle.deriveBits(pbkdf2, password, 160)),
    "4b007901b765489abead49d926f721d065a429c1");
  await rejects("NotSupportedError", subtle.deriveBits({ ...pbkdf2, iterations: 10_000_001 },
    password, 8));
  await rejects("OperationError", subtle.deriveBits({ ...pbkdf2, iterations: 0 }, password, 8));
  await rejects("OperationError", subtle.deriveBits(pbkdf2, password, 7));
  const input = await secret(new Uint8Array(22).fill(11), "HKDF", ["deriveBits", "deriveKey"],
    false);
  const hkdf = { name: "HKDF", hash: "SHA-256", salt: unhex("000102030405060708090a0b0c"),
    info: unhex("f0f1f2f3f4f5f6f7f8f9") };
  same(hex(await subtle.deriveBits(hkdf, input, 336)),
    "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865");
  await rejects("OperationError", subtle.deriveBits(hkdf, input, 8 * 255 * 32 + 8));
  const key = await subtle.deriveKey(pbkdf2, password, { name: "AES-GCM", length: 256 }, true,
    ["encrypt"]);
  same((await subtle.exportKey("raw", key)).byteLength, 32);
  await rejects("SyntaxError", secret(utf8("p"), "PBKDF2", ["deriveBits"], true));
});

test("A JWT of HS256 is made and verified as middleware does", async () => {
  const key = await subtle.importKey("jwk", { kty: "oct",
    k: "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_" +
    "T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow" }, { name: "HMAC", hash: "SHA-256" }, false,
      ["verify"]);
  const token = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4" +
    "MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU" +
    "1p1r_wW1gFWFOEjXk";
  const [head, body, signature] = token.split(".");
  ok(await subtle.verify("HMAC", key, fromBase64Url(signature), utf8(`${head}.${body}`)));
});

test("ECDSA signs, verifies and moves through every format", async () => {
  for (const namedCurve of ["P-256", "P-384", "P-521"]) {
    const algorithm = { name: "ECDSA", namedCurve };
    const { privateKey, publicKey } = await subtle.generateKey(algorithm, true, ["sign", "verify"]);
    const how = { name: "ECDSA", hash: "SHA-256" };
    const signature = await subtle.sign(how, privateKey, utf8("text"));
    const size = { "P-256": 64, "P-384": 96, "P-521": 132 }[namedCurve];
    same(signature.byteLength, size);
    for (const format of ["spki", "jwk", "raw"]) {
      const exported = await subtle.exportKey(format, publicKey);
      const again = await subtle.importKey(format, exported, algorithm, true, ["verify"]);
      ok(await subtle.verify(how, again, signature, utf8("text")), format);
      ok(!await subtle.verify(how, again, signature, utf8("texT")), format);
      ok(!await subtle.verify(how, again, new Uint8Array(size), utf8("text")));
      ok(!await subtle.verify(how, again, new Uint8Array(size - 1), utf8("text")));
    }
    for (const format of ["pkcs8", "jwk"]) {
      const exported = await subtle.exportKey(format, privateKey);
      const again = await subtle.importKey(format, exported, algorithm, false, ["sign"]);
      ok(await subtle.verify(how, publicKey, await subtle.sign(how, again, utf8("x")), utf8("x")));
    }
    await rejects("InvalidAccessError", subtle.sign(how, publicKey, utf8("")));
  }
});

test("Signatures of another implementation verify", async () => {
  const data = utf8("signed elsewhere");
  const ec = await subtle.importKey("jwk", { kty: "EC", crv: "P-256",
    x: "0LnX8yd5EsbOBcKZCzb0vesk7Xt_em7v68IUJVVYbQk",
      y: "UcdN0xTc_efbK64QS_Hvh4ZbsSbj-lgevOc29dBygMA" },
    { name: "ECDSA", namedCurve: "P-256" }, true, ["verify"]);
  ok(await subtle.verify({ name: "ECDSA", hash: "SHA-256" }, ec, fromBase64Url(
    "8B9A4A6VYk0NxFj1SFeMXX_sICm8ZjP8gREsJ8CZxWwnmMxrKkro9HInO1OOIhyiBGLFbWvkJN7dHOIQI8gyPw"),
      data));
  const rsa = await subtle.importKey("jwk", { kty: "RSA", e: "AQAB",
    n: "rnM9URaj_7X7t18mMjidh1cuHrLR2nSWDuH33" +
    "7fyXBL7ehrM8Bh3MYskDl1UIM9rVAZKZH8pjuvTyNrSPin8NCzhMs-152DeOnkp5_BhrmZq5UWit_2itMa" +
    "xqAfAPSlj8oTj6iouhQG" +
    "wGl5Kj08rW2ctO5dJrbsXYUPIUGmnrmE" }, { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" }, true,
      ["verify"]);
  ok(await subtle.verify("RSASSA-PKCS1-v1_5", rsa,
    fromBase64Url("dyCeWNClkSZ13nvnhu1_pzH5FHtTEKDLxMzMaiPomFnn" +
    "QyN5ybMN-Aa8egaxYVj17VSBA5AnSfvVoUI0sfK94Sg2ZtGvmHJqHkQ9UxzDzuGuiMKsLXzijjM7zZiTlN" +
    "f4USLuFzME83WxrmBjSWB" +
    "t1xct3CCN6106D70kQkrric0"), data));
});

test("Points off the curve and mismatched private numbers are refused", async () => {
  const algorithm = { name: "ECDSA", namedCurve: "P-256" };
  const { privateKey } = await subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const jwk = await subtle.exportKey("jwk", privateKey);
  const bad = (edit) => rejects("DataError",
    subtle.importKey("jwk", { ...jwk, ...edit }, algorithm, true, ["sign"]));
  await bad({ y: jwk.x });
  await bad({ d: jwk.x });
  await bad({ crv: "P-384" });
  await bad({ kty: "RSA" });
  await bad({ alg: "ES384" });
  await bad({ x: jwk.x.slice(2) });
  await bad({ x: "*" });
  await bad({ key_ops: ["verify"] });
  await bad({ use: "enc" });
  await bad({ ext: false });
  for (const size of [0, 1, 33, 64, 65, 66]) {
    await rejects("DataError", subtle.importKey("raw", new Uint8Array(size).fill(4), algorithm,
      true, []));
  }
  await rejects("DataError", subtle.importKey("spki", utf8("garbage"), algorithm, true,
    ["verify"]));
  await rejects("DataError", subtle.importKey("pkcs8", new Uint8Array(20_000), algorithm, true,
    ["sign"]));
});

test("RSA keys sign with both paddings and move through every format", async () => {
  const publicExponent = new Uint8Array([1, 0, 1]);
  for (const name of ["RSASSA-PKCS1-v1_5", "RSA-PSS"]) {
    const algorithm = { name, hash: "SHA-256", modulusLength: 1024, publicExponent };
    const { privateKey, publicKey } = await subtle.generateKey(algorithm, true, ["sign", "verify"]);
    same(publicKey.algorithm,
      { name, modulusLength: 1024, publicExponent, hash: { name: "SHA-256" } });
    const how = { name, saltLength: 32 };
    const signature = await subtle.sign(how, privateKey, utf8("text"));
    same(signature.byteLength, 128);
    for (const format of ["spki", "jwk"]) {
      const exported = await subtle.exportKey(format, publicKey);
      const again = await subtle.importKey(format, exported, algorithm, true, ["verify"]);
      ok(await subtle.verify(how, again, signature, utf8("text")));
      ok(!await subtle.verify(how, again, signature, utf8("texT")));
    }
    for (const format of ["pkcs8", "jwk"]) {
      const exported = await subtle.exportKey(format, privateKey);
      if (format === "jwk") same([exported.kty, exported.alg], ["RSA",
        name === "RSA-PSS" ? "PS256" : "RS256"]);
      const again = await subtle.importKey(format, exported, algorithm, false, ["sign"]);
      ok(await subtle.verify(how, publicKey, await subtle.sign(how, again, utf8("x")), utf8("x")));
    }
  }
  const tooMuch = { name: "RSA-PSS", hash: "SHA-256", modulusLength: 16384, publicExponent };
  await rejects("OperationError", subtle.generateKey(tooMuch, true, ["sign"]));
});

test("Ed25519 signs and verifies (RFC 8032, test 2)", async () => {
  const jwk = { kty: "OKP", crv: "Ed25519", x: "PUAXw-hDiVqStwqnTRt-vJyYLM8uxJaMwM1V8Sr0Zgw",
    d: "TM0Imyj_ltqdtsNG7BFOD1uKMZ81q6Yk2oz27U-4pvs" };
  const key = await subtle.importKey("jwk", jwk, "Ed25519", true, ["sign"]);
  const signature = await subtle.sign("Ed25519", key, unhex("72"));
  same(hex(signature).slice(0, 32), "92a009a9f0d4cab8720e820b5f642540");
  const raw = unhex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c");
  const open = await subtle.importKey("raw", raw, "Ed25519", true, ["verify"]);
  ok(await subtle.verify("Ed25519", open, signature, unhex("72")));
  ok(!await subtle.verify("Ed25519", open, signature, unhex("73")));
  same(hex(await subtle.exportKey("raw", open)), hex(raw));
  await rejects("DataError", subtle.importKey("jwk", { ...jwk, x: jwk.d }, "Ed25519", true,
    ["sign"]));
  const pair = await subtle.generateKey("Ed25519", false, ["sign", "verify"]);
  ok(await subtle.verify("Ed25519", pair.publicKey, await subtle.sign("Ed25519", pair.privateKey,
    raw), raw));
});

test("NODE-ED25519 is Ed25519 under the name that Workers had for it first", async () => {
  const algorithm = { name: "NODE-ED25519", namedCurve: "NODE-ED25519" };
  const jwk = { kty: "OKP", crv: "Ed25519", x: "PUAXw-hDiVqStwqnTRt-vJyYLM8uxJaMwM1V8Sr0Zgw",
    d: "TM0Imyj_ltqdtsNG7BFOD1uKMZ81q6Yk2oz27U-4pvs" };
  const key = await subtle.importKey("jwk", jwk, algorithm, true, ["sign"]);
  same(JSON.stringify(key.algorithm), JSON.stringify(algorithm));
  const signature = await subtle.sign("NODE-ED25519", key, unhex("72"));
  const standard = await subtle.importKey("jwk", jwk, "Ed25519", true, ["sign"]);
  same(hex(signature), hex(await subtle.sign("Ed25519", standard, unhex("72"))));
  const { publicKey, privateKey } = await subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const raw = await subtle.exportKey("raw", publicKey);
  const open = await subtle.importKey("raw", raw, algorithm, true, ["verify"]);
  ok(await subtle.verify(algorithm, open, await subtle.sign(algorithm, privateKey, raw), raw));
  await rejects("NotSupportedError",
    subtle.generateKey({ ...algorithm, namedCurve: "P-256" }, true, ["sign"]));
});

test("Keys are wrapped and unwrapped", async () => {
  const inner = await secret(utf8("inner key"), { name: "HMAC", hash: "SHA-256" }, ["sign"]);
  const outer = await subtle.generateKey({ name: "AES-GCM", length: 256 }, false, ["wrapKey",
    "unwrapKey"]);
  const how = { name: "AES-GCM", iv: new Uint8Array(12) };
  for (const format of ["raw", "jwk"]) {
    const wrapped = await subtle.wrapKey(format, inner, outer, how);
    const back = await subtle.unwrapKey(format, wrapped, outer, how, { name: "HMAC",
      hash: "SHA-256" }, true,
      ["sign"]);
    same(hex(await subtle.exportKey("raw", back)), hex(utf8("inner key")));
  }
  await rejects("InvalidAccessError", subtle.encrypt(how, outer, utf8("x")));
});

test("What is not there says so by name", async () => {
  await rejects("NotSupportedError", subtle.generateKey({ name: "X444" }, true, ["sign"]),
    "'X444'");
  await rejects("NotSupportedError", subtle.importKey("raw", utf8("k"), "AES-CFB", true,
    ["wrapKey"]), "'AES-CFB'");
  await rejects("NotSupportedError",
    subtle.generateKey({ name: "ECDSA", namedCurve: "P-192" }, true, ["sign"]), "P-192");
  await rejects("TypeError", subtle.importKey("der", utf8("k"), "HMAC", true, ["sign"]),
    "KeyFormat");
});

test("Key bytes are copied once the algorithm was read, and not shared with anybody", async () => {
  const bytes = utf8("0123456789abcdefg").subarray(0, 16);
  const key = await subtle.importKey("raw", bytes,
    { get name() { bytes[0] = 48; return "AES-GCM"; } }, true,
    ["encrypt"]);
  bytes.fill(0);
  same(hex(await subtle.exportKey("raw", key)), hex(utf8("0123456789abcdef")));
  const exported = await subtle.exportKey("raw", key);
  new Uint8Array(exported).fill(0);
  same(hex(await subtle.exportKey("raw", key)), hex(utf8("0123456789abcdef")));
});

test("A CryptoKey can be cloned and works as before", async () => {
  const key = await secret(utf8("k"), { name: "HMAC", hash: "SHA-256" }, ["sign"], false);
  const { copy } = structuredClone({ copy: key });
  ok(copy instanceof CryptoKey && copy !== key);
  same(hex(await subtle.sign("HMAC", copy, utf8("x"))), hex(await subtle.sign("HMAC", key,
    utf8("x"))));
});
