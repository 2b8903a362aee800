import crypto, { createHash, createHmac, createCipheriv, createDecipheriv } from "node:crypto";
import { promisify } from "node:util";

test("Hashes are right, streamed, copied and of every kind", async () => {
  same(createHash("sha256").update("abc").digest("hex"),
    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  same(createHash("md5").update("").digest("hex"), "d41d8cd98f00b204e9800998ecf8427e");
  same(createHash("sha1").update(Buffer.from("abc")).digest("base64"),
    "qZk+NkcGgWq6PiVxeFDCbJzQ2J0=");
  const part = createHash("sha512").update("a");
  same(part.copy().update("b").digest("hex"), createHash("sha512").update("ab").digest("hex"));
  same(createHash("shake256", { outputLength: 4 }).update("").digest("hex"), "46b9dd2b");
  for (const name of crypto.getHashes()) ok(createHash(name).update("x").digest().length > 0, name);
  same(crypto.hash("sha1", "abc"), "a9993e364706816aba3e25717850c26c9cd0d89d");
  throws("Error", () => createHash("no-such"), "Invalid digest");
  const used = createHash("sha1");
  used.digest();
  throws("Error", () => used.update("x"), "Digest already called");
});

test("HMACs are right", () => {
  same(createHmac("sha256",
    "key").update("The quick brown fox jumps over the lazy dog").digest("hex"),
    "f7bc83f430538424b13298e6aa6fb143ef4d59a14946175997479dbc2d1a3cd8");
  same(createHmac("sha256", "").update("").digest("hex"),
    "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
});

test("Ciphers encrypt, decrypt, and notice what was changed", () => {
  for (const name of crypto.getCiphers()) {
    const info = crypto.getCipherInfo(name);
    const key = crypto.randomBytes(info.keyLength), iv = crypto.randomBytes(info.ivLength ?? 0);
    const aead = /gcm|ocb|poly1305/.test(name);
    const options = aead ? { authTagLength: 16 } : undefined;
    const cipher = createCipheriv(name, key, info.ivLength ? iv : null, options);
    if (aead) cipher.setAAD(Buffer.from("extra"));
    const sealed = Buffer.concat([cipher.update("some text", "utf8"), cipher.final()]);
    const open = createDecipheriv(name, key, info.ivLength ? iv : null, options);
    if (aead) open.setAAD(Buffer.from("extra")).setAuthTag(cipher.getAuthTag());
    same(open.update(sealed, null, "utf8") + open.final("utf8"), "some text", name);
    if (!aead) continue;
    const forged = createDecipheriv(name, key, iv, options);
    forged.setAAD(Buffer.from("other")).setAuthTag(cipher.getAuthTag());
    throws("Error", () => {
      forged.update(sealed);
      forged.final();
    }, "authenticate");
  }
  throws("RangeError", () => createCipheriv("aes-256-cbc", Buffer.alloc(5), Buffer.alloc(16)));
  throws("TypeError", () => createCipheriv("aes-256-cbc", Buffer.alloc(32), Buffer.alloc(5)));
  throws("Error", () => createCipheriv("rot13", "", ""), "Unknown cipher");
});

test("Random values are random and in range", async () => {
  same(crypto.randomBytes(70000).length, 70000);
  for (let i = 0; i < 100; i++) ok(crypto.randomInt(5, 8) >= 5 && crypto.randomInt(3) < 3);
  ok(/^[0-9a-f-]{36}$/.test(crypto.randomUUID()));
  same((await promisify(crypto.randomBytes)(3)).length, 3);
  ok(crypto.timingSafeEqual(Buffer.from("a"), Buffer.from("a")));
  ok(!crypto.timingSafeEqual(Buffer.from("a"), Buffer.from("b")));
  throws("RangeError", () => crypto.timingSafeEqual(Buffer.from("a"), Buffer.from("ab")));
});

test("Keys are derived as the RFCs say", async () => {
  same(crypto.pbkdf2Sync("password", "salt", 1, 20, "sha1").toString("hex"),
    "0c60c80f961f0e71f3a9b524af6012062fe037a6");
  same(crypto.scryptSync("", "", 64, { N: 16, r: 1, p: 1 }).toString("hex").slice(0, 32),
    "77d6576238657b203b19ca42c18a0497");
  const key = await promisify(crypto.hkdf)("sha256", Buffer.alloc(22, 0x0b),
    Buffer.from("000102030405060708090a0b0c", "hex"), Buffer.from("f0f1f2f3f4f5f6f7f8f9", "hex"),
      42);
  same(Buffer.from(key).toString("hex").slice(0, 32), "3cb25f25faacd57a90434f64d0362f2a");
});

test("Key pairs sign and verify, in every form", () => {
  const message = Buffer.from("message");
  for (const [type, options, digest] of [["rsa", { modulusLength: 2048 }, "sha256"],
    ["ec", { namedCurve: "P-256" }, "sha256"], ["ec", { namedCurve: "secp256k1" }, "sha256"],
    ["ed25519", {}, null]]) {
    const { publicKey, privateKey } = crypto.generateKeyPairSync(type, options);
    same([publicKey.type, privateKey.type, publicKey.asymmetricKeyType], ["public", "private",
      type]);
    const signature = crypto.sign(digest, message, privateKey);
    ok(crypto.verify(digest, message, publicKey, signature), type);
    ok(!crypto.verify(digest, Buffer.from("other"), publicKey, signature), type);
    const pem = privateKey.export({ type: "pkcs8", format: "pem" });
    ok(pem.startsWith("-----BEGIN PRIVATE KEY-----"));
    ok(crypto.createPrivateKey(pem).equals(privateKey));
    ok(crypto.createPublicKey(pem).equals(publicKey));
    const der = publicKey.export({ type: "spki", format: "der" });
    ok(crypto.createPublicKey({ key: der, type: "spki", format: "der" }).equals(publicKey));
    const jwk = privateKey.export({ format: "jwk" });
    ok(crypto.createPrivateKey({ key: jwk, format: "jwk" }).equals(privateKey), type);
    const open = publicKey.export({ format: "jwk" });
    ok(crypto.createPublicKey({ key: open, format: "jwk" }).equals(publicKey), type);
    if (digest === null) continue;
    const signer = crypto.createSign(digest).update("mess").update("age");
    ok(crypto.createVerify(digest).update(message).verify(publicKey, signer.sign(privateKey)),
      type);
    if (type !== "ec") continue;
    const plain = crypto.sign(digest, message, { key: privateKey, dsaEncoding: "ieee-p1363" });
    same(plain.length, 64);
    ok(crypto.verify(digest, message, { key: publicKey, dsaEncoding: "ieee-p1363" }, plain));
  }
});

test("RSA encrypts, PSS signs, and a passphrase protects", () => {
  const { publicKey, privateKey } = crypto.generateKeyPairSync("rsa", { modulusLength: 2048 });
  const sealed = crypto.publicEncrypt({ key: publicKey, oaepHash: "sha256" },
    Buffer.from("secret"));
  same(crypto.privateDecrypt({ key: privateKey, oaepHash: "sha256" }, sealed).toString(), "secret");
  throws("Error", () => crypto.privateDecrypt(privateKey, sealed));
  const pss = { key: privateKey, padding: crypto.constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 };
  const signature = crypto.sign("sha256", Buffer.from("m"), pss);
  ok(crypto.verify("sha256", Buffer.from("m"), { ...pss, key: publicKey }, signature));
  const pem = privateKey.export({ type: "pkcs8", format: "pem", cipher: "aes-256-cbc",
    passphrase: "open" });
  ok(pem.includes("ENCRYPTED"));
  ok(crypto.createPrivateKey({ key: pem, passphrase: "open" }).equals(privateKey));
  throws("Error", () => crypto.createPrivateKey({ key: pem, passphrase: "wrong" }));
  throws("Error", () => crypto.createPrivateKey("not a key"));
});

test("Two sides agree on a secret", () => {
  for (const [type, options] of [["x25519", {}], ["ec", { namedCurve: "P-384" }]]) {
    const a = crypto.generateKeyPairSync(type, options), b = crypto.generateKeyPairSync(type,
      options);
    const left = crypto.diffieHellman({ privateKey: a.privateKey, publicKey: b.publicKey });
    const right = crypto.diffieHellman({ privateKey: b.privateKey, publicKey: a.publicKey });
    ok(left.equals(right), type);
  }
});
