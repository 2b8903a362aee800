import crypto, { createDiffieHellman, createECDH, createHash, ECDH } from "node:crypto";

const sha1 = (bytes) => createHash("sha1").update(bytes).digest("hex");

test("ECDH has Node's public keys and secrets on every curve", () => {
  for (const [name, compressed, secret] of [
    ["prime256v1", "AyCV4RcW7gqFTRXHt0KiNPpd28qi6mARSdnccrs1apzW",
      "0e89cf0915ac39cb02476b04f53d5c49019defec"],
    ["secp384r1", "A3oMvfDHkQpd5pLZtLH591l9Rufrrzn_m7tkZe_ONSKy_oCE3YFsOjH4hMxTC5iViw",
      "c36eda4fe0bda2964a7299bfddf3932d10ce982f"],
    ["secp521r1",
      "AwEMR-gYqB4MXzkx-rW8QXNM4HlCTswm1ahPp3nmAhYgtgz1IWPdtWgJkP-TfszKx-gU0E-9CLmcZLrzn8YO-hPMeA",
      "36e4d668d19520e10fab8e9073a48c09bbbebc2e"],
    ["secp256k1", "As_MnvKQGLPJ1nJUuWLMMIpslNHEQEKR0mLK3P9IcI5y",
      "390ce4b7668fd5f00e57223d5eb7948f56aefd7d"],
  ]) {
    const one = createECDH(name), other = createECDH(name);
    one.setPrivateKey("07".repeat(20), "hex");
    other.setPrivateKey(Buffer.from("0b".repeat(24), "hex"));
    same(one.getPublicKey("base64url", "compressed"), compressed, name);
    same(one.getPrivateKey("hex"), "07".repeat(20));
    for (const form of ["compressed", "uncompressed", "hybrid"]) {
      same(sha1(one.computeSecret(other.getPublicKey(null, form))), secret, form);
      same(ECDH.convertKey(one.getPublicKey("hex", form), name, "hex", "base64url", "compressed"),
        compressed);
    }
    const fresh = createECDH(name), point = fresh.generateKeys("base64");
    same(one.computeSecret(point, "base64", "hex"), fresh.computeSecret(one.getPublicKey(), null,
      "hex"));
  }
});

test("ECDH refuses what is no curve, no point and no key", () => {
  throws("TypeError", () => createECDH("no-such"), "Invalid EC curve name");
  const ecdh = createECDH("P-256");
  throws("Error", () => ecdh.getPublicKey(), "Failed to get ECDH public key");
  throws("Error", () => ecdh.computeSecret(Buffer.alloc(65)), "Invalid key pair");
  throws("RangeError", () => ecdh.setPrivateKey(Buffer.alloc(32)), "not valid");
  throws("RangeError", () => ecdh.setPrivateKey(Buffer.alloc(32, 255)), "not valid");
  throws("RangeError", () => ecdh.setPrivateKey(Buffer.alloc(33, 1)), "not valid");
  ecdh.generateKeys();
  for (const point of [Buffer.alloc(65, 4), Buffer.alloc(0), Buffer.alloc(1), Buffer.alloc(33, 5),
    Buffer.alloc(64, 4), Buffer.concat([Buffer.from([2]), Buffer.alloc(32, 255)]),
    createECDH("secp256k1").generateKeys()]) {
    throws("Error", () => ecdh.computeSecret(point), "Public key is not valid");
  }
});

test("Diffie-Hellman has the groups of RFC 3526, and Node's secrets", () => {
  for (const [name, digest] of [["modp1", "4989e5469b40416dc5afb739c747e32b40cc5c77"],
    ["modp5", "49ecaba9727a1af0636082c467485a1a9a04b669"],
    ["modp14", "b95c799aa5dd388c6df5e72398cb9d7df40519e4"],
    ["modp18", "016170c528b306c9bb17b5ffacab0fe7eacad705"]]) {
    same(sha1(crypto.getDiffieHellman(name).getPrime()), digest, name);
  }
  const prime = crypto.getDiffieHellman("modp5").getPrime();
  const one = createDiffieHellman(prime, 2);
  one.setPrivateKey(Buffer.from("33".repeat(64), "hex"));
  same(sha1(one.generateKeys()), "bb1e90223221f3bba0413bab10a29ecb249577b6");
  const other = createDiffieHellman(prime.toString("hex"), "hex", "02", "hex");
  other.setPrivateKey("55".repeat(64), "hex");
  same(sha1(one.computeSecret(other.getPublicKey())), "d0fe54729746f5884e96f34d79e0a434eeb8ce5f");
  same(other.computeSecret(one.getPublicKey("hex"), "hex", "hex"),
    one.computeSecret(other.getPublicKey(), undefined, "hex"));
  const alice = crypto.createDiffieHellmanGroup("modp14");
  const bob = crypto.DiffieHellmanGroup("modp14");
  same(alice.generateKeys().length, 256);
  same(alice.computeSecret(bob.generateKeys()).length, 256);
  ok(alice.computeSecret(bob.getPublicKey()).equals(bob.computeSecret(alice.getPublicKey())));
  same(alice.setPrivateKey, undefined);
});

test("Diffie-Hellman refuses weak keys and unknown groups", () => {
  throws("Error", () => crypto.getDiffieHellman("modp3"), "Unknown DH group");
  throws("Error", () => createDiffieHellman(2048), "not available");
  const group = crypto.getDiffieHellman("modp14");
  throws("Error", () => group.getPublicKey(), "No public key");
  group.generateKeys();
  const prime = BigInt(`0x${group.getPrime("hex")}`);
  for (const number of [0n, 1n, prime - 1n, prime]) {
    throws("RangeError", () => group.computeSecret(
      number.toString(16).padStart(512, "0"), "hex"), "Supplied key is too");
  }
  throws("Error", () => createDiffieHellman(Buffer.alloc(0)));
  throws("Error", () => createDiffieHellman(Buffer.from([4])).generateKeys());
});

test("Primes are made and told from others", async () => {
  const prime = crypto.generatePrimeSync(96, { bigint: true });
  same(prime.toString(2).length, 96);
  ok(crypto.checkPrimeSync(prime) && !crypto.checkPrimeSync(prime * 3n));
  ok(crypto.checkPrimeSync(Buffer.from([97])) && !crypto.checkPrimeSync(1n));
  for (const number of [561n, 3215031751n, 3825123056546413051n]) {
    ok(!crypto.checkPrimeSync(number), `${number}`);
  }
  const safe = crypto.generatePrimeSync(32, { bigint: true, safe: true });
  ok(crypto.checkPrimeSync(safe >> 1n));
  same(crypto.generatePrimeSync(32, { bigint: true, add: 12n, rem: 11n }) % 12n, 11n);
  same((await new Promise((resolve) => crypto.generatePrime(64, (_, made) => resolve(made))))
    .byteLength, 8);
  ok(await new Promise((resolve) => crypto.checkPrime(7n, (_, is) => resolve(is))));
  throws("RangeError", () => crypto.generatePrimeSync(0));
});
