// JSON Web Keys as DER and back, and ECDSA signatures in both of their forms.
// https://www.rfc-editor.org/rfc/rfc7517 https://www.rfc-editor.org/rfc/rfc5958
const { Buffer } = require("node:buffer");

const INTEGER = 0x02, BITS = 0x03, OCTETS = 0x04, NULL = 0x05, OID = 0x06, SEQUENCE = 0x30;
const kRsa = "2a864886f70d010101", kEc = "2a8648ce3d0201";
const kCurves = [
  ["P-256", "2a8648ce3d030107", 32, "prime256v1"], ["P-384", "2b81040022", 48, "secp384r1"],
  ["P-521", "2b81040023", 66, "secp521r1"], ["secp256k1", "2b8104000a", 32, "secp256k1"],
];
const kOkp = [["Ed25519", "2b6570"], ["X25519", "2b656e"], ["Ed448", "2b6571"], ["X448", "2b656f"]];

function element(tag, ...parts) {
  const content = Buffer.concat(parts);
  const size = content.length;
  const head = size < 128 ? [tag, size] : size < 256 ? [tag, 0x81, size] :
    [tag, 0x82, size >> 8, size & 255];
  return Buffer.concat([Buffer.from(head), content]);
}

function integer(bytes) {
  let at = 0;
  while (at < bytes.length - 1 && bytes[at] === 0) at++;
  const short = bytes.subarray(at);
  return element(INTEGER, short[0] >= 128 ? Buffer.concat([Buffer.from([0]), short]) : short);
}

const oid = (hex) => element(OID, Buffer.from(hex, "hex"));
const bits = (bytes) => element(BITS, Buffer.from([0]), bytes);
const kZero = integer(Buffer.from([0]));

function field(jwk, name) {
  if (typeof jwk[name] !== "string") return undefined;
  return Buffer.from(jwk[name], "base64url");
}

function rsaOf(jwk, isPrivate) {
  const names = isPrivate ? ["n", "e", "d", "p", "q", "dp", "dq", "qi"] : ["n", "e"];
  const numbers = names.map((name) => field(jwk, name));
  if (numbers.includes(undefined)) return undefined;
  const algorithm = element(SEQUENCE, oid(kRsa), element(NULL));
  const key = element(SEQUENCE, ...(isPrivate ? [kZero] : []), ...numbers.map(integer));
  return isPrivate ? element(SEQUENCE, kZero, algorithm, element(OCTETS, key)) :
    element(SEQUENCE, algorithm, bits(key));
}

function ecOf(jwk, isPrivate) {
  const curve = kCurves.find(([name]) => name === jwk.crv);
  const x = field(jwk, "x"), y = field(jwk, "y"), d = field(jwk, "d");
  if (curve === undefined || x === undefined || y === undefined) return undefined;
  const pad = (bytes) => Buffer.concat([Buffer.alloc(Math.max(0, curve[2] - bytes.length)), bytes]);
  const point = Buffer.concat([Buffer.from([4]), pad(x), pad(y)]);
  const algorithm = element(SEQUENCE, oid(kEc), oid(curve[1]));
  if (!isPrivate) return element(SEQUENCE, algorithm, bits(point));
  const key = element(SEQUENCE, integer(Buffer.from([1])), element(OCTETS, pad(d)),
    element(0xa1, bits(point)));
  return element(SEQUENCE, kZero, algorithm, element(OCTETS, key));
}

function okpOf(jwk, isPrivate) {
  const type = kOkp.find(([name]) => name === jwk.crv);
  const bytes = field(jwk, isPrivate ? "d" : "x");
  if (type === undefined || bytes === undefined) return undefined;
  const algorithm = element(SEQUENCE, oid(type[1]));
  return isPrivate ?
    element(SEQUENCE, kZero, algorithm, element(OCTETS, element(OCTETS, bytes))) :
    element(SEQUENCE, algorithm, bits(bytes));
}

function ofJwk(jwk, isPrivate) {
  if (typeof jwk !== "object" || jwk === null) return undefined;
  if (jwk.kty === "RSA") return rsaOf(jwk, isPrivate);
  if (jwk.kty === "EC") return ecOf(jwk, isPrivate);
  return jwk.kty === "OKP" ? okpOf(jwk, isPrivate) : undefined;
}

/** The elements in `bytes`: [[tag, content], ...]. */
function read(bytes) {
  const found = [];
  for (let at = 0; at + 1 < bytes.length;) {
    const tag = bytes[at];
    let size = bytes[at + 1];
    at += 2;
    if (size >= 128) {
      const count = size & 127;
      size = bytes.readUIntBE(at, count);
      at += count;
    }
    found.push([tag, bytes.subarray(at, at + size)]);
    at += size;
  }
  return found;
}

const number = (bytes) => bytes[0] === 0 && bytes.length > 1 ? bytes.subarray(1) : bytes;
const text = (bytes) => bytes.toString("base64url");

/** Of a key's DER, and of the public one's. */
function toJwk(secret, isPrivate, open) {
  const [[, whole]] = read(Buffer.from(open));
  const [[, algorithm], [, bitString]] = read(whole);
  const ids = read(algorithm).map(([, content]) => content.toString("hex"));
  const key = bitString.subarray(1);
  let inner;
  if (isPrivate) inner = read(read(read(Buffer.from(secret))[0][1])[2][1])[0][1];
  if (ids[0] === kRsa) {
    const [[, n], [, e]] = read(read(key)[0][1]);
    const jwk = { kty: "RSA", n: text(number(n)), e: text(number(e)) };
    if (!isPrivate) return jwk;
    const names = ["", "n", "e", "d", "p", "q", "dp", "dq", "qi"];
    read(inner).forEach(([, content], i) => {
      if (i > 2 && i < names.length) jwk[names[i]] = text(number(content));
    });
    return jwk;
  }
  if (ids[0] === kEc) {
    const curve = kCurves.find(([, id]) => id === ids[1]);
    if (curve === undefined || key[0] !== 4) return undefined;
    const jwk = { kty: "EC", crv: curve[0], x: text(key.subarray(1, 1 + curve[2])),
      y: text(key.subarray(1 + curve[2])) };
    if (isPrivate) jwk.d = text(read(inner)[1][1]);
    return jwk;
  }
  const type = kOkp.find(([, id]) => id === ids[0]);
  if (type === undefined) return undefined;
  const jwk = { kty: "OKP", crv: type[0], x: text(key) };
  if (isPrivate) jwk.d = text(inner);
  return jwk;
}

/** An ECDSA signature as r and s side by side, or, with `toDer`, the other way round. */
function signature(bytes, curveName, toDer) {
  const curve = kCurves.find(([, , , name]) => name === curveName);
  if (curve === undefined) return undefined;
  const size = curve[2];
  const given = Buffer.from(bytes);
  if (toDer) {
    return given.length !== size * 2 ? undefined :
      element(SEQUENCE, integer(given.subarray(0, size)), integer(given.subarray(size)));
  }
  const [[, r], [, s]] = read(read(given)[0][1]);
  return Buffer.concat([r, s].map((part) => {
    const short = number(part);
    return Buffer.concat([Buffer.alloc(size - short.length), short]);
  }));
}

// ---- keys of ECDH and Diffie-Hellman ------------------------------------------------------------

/** By Node's names, and by those of the standards. */
function curveOf(wanted) {
  const curve = kCurves.find(([other, , , name]) => name === wanted || other === wanted);
  return curve === undefined ? undefined : { name: curve[3], id: curve[1], size: curve[2] };
}

const ecPublic = ({ id }, point) =>
  element(SEQUENCE, element(SEQUENCE, oid(kEc), oid(id)), bits(point));

/** Without the public key, which is computed when it is read. */
function ecPrivate({ id, size }, number) {
  const padded = Buffer.concat([Buffer.alloc(size - number.length), number]);
  const key = element(SEQUENCE, integer(Buffer.from([1])), element(OCTETS, padded));
  return element(SEQUENCE, kZero, element(SEQUENCE, oid(kEc), oid(id)), element(OCTETS, key));
}

const dhDomain = (prime, generator) => element(SEQUENCE, oid("2a864886f70d010301"),
  element(SEQUENCE, integer(prime), integer(generator)));
const dhPublic = (prime, generator, value) =>
  element(SEQUENCE, dhDomain(prime, generator), bits(integer(value)));
const dhPrivate = (prime, generator, value) =>
  element(SEQUENCE, kZero, dhDomain(prime, generator), element(OCTETS, integer(value)));

/** The number that is the public key. */
function dhNumber(open) {
  const [, [, bitString]] = read(read(Buffer.from(open))[0][1]);
  return read(bitString.subarray(1))[0][1];
}

module.exports = {
  der: { curveOf, dhNumber, dhPrivate, dhPublic, ecPrivate, ecPublic, ofJwk, signature, toJwk },
};
