// Web Crypto. https://w3c.github.io/webcrypto/

type AlgorithmIdentifier = string | Algorithm;
type HashAlgorithmIdentifier = AlgorithmIdentifier;
type BigInteger = Uint8Array;
type NamedCurve = string;
interface Algorithm {
  name: string;
}
/** Any algorithm's parameters: which of them count is the algorithm's to say. */
interface SubtleCryptoAlgorithm extends Algorithm {
  hash?: HashAlgorithmIdentifier;
  length?: number;
  namedCurve?: NamedCurve;
  modulusLength?: number;
  publicExponent?: BigInteger;
  iv?: BufferSource;
  counter?: BufferSource;
  additionalData?: BufferSource;
  tagLength?: number;
  label?: BufferSource;
  saltLength?: number;
  salt?: BufferSource;
  info?: BufferSource;
  iterations?: number;
  public?: CryptoKey;
  context?: BufferSource;
  nonce?: BufferSource;
  memory?: number;
  passes?: number;
  parallelism?: number;
  version?: number;
  secretValue?: BufferSource;
  associatedData?: BufferSource;
  functionName?: BufferSource;
  customization?: BufferSource;
  outputLength?: number;
  domainSeparation?: number;
}
type KeyType = "public" | "private" | "secret";
type KeyFormat = "raw" | "pkcs8" | "spki" | "jwk" | "raw-public" | "raw-private" | "raw-seed" |
  "raw-secret";
type KeyUsage = "encrypt" | "decrypt" | "sign" | "verify" | "deriveKey" | "deriveBits" |
  "wrapKey" | "unwrapKey" | "encapsulateBits" | "encapsulateKey" | "decapsulateBits" |
  "decapsulateKey";

interface KeyAlgorithm {
  name: string;
  hash?: KeyAlgorithm;
  length?: number;
  namedCurve?: NamedCurve;
  modulusLength?: number;
  publicExponent?: Uint8Array<ArrayBuffer>;
}
interface RsaOtherPrimesInfo {
  r?: string;
  d?: string;
  t?: string;
}
interface JsonWebKey {
  alg?: string;
  crv?: string;
  d?: string;
  dp?: string;
  dq?: string;
  e?: string;
  ext?: boolean;
  k?: string;
  key_ops?: string[];
  kty?: string;
  n?: string;
  oth?: RsaOtherPrimesInfo[];
  p?: string;
  priv?: string;
  pub?: string;
  q?: string;
  qi?: string;
  use?: string;
  x?: string;
  y?: string;
}

interface CryptoKey {
  readonly type: KeyType;
  readonly extractable: boolean;
  readonly algorithm: KeyAlgorithm;
  readonly usages: KeyUsage[];
}
declare var CryptoKey: {
  prototype: CryptoKey;
  new (): never;
};
interface CryptoKeyPair {
  publicKey: CryptoKey;
  privateKey: CryptoKey;
}
interface EncapsulatedBits {
  ciphertext: ArrayBuffer;
  sharedKey: ArrayBuffer;
}
interface EncapsulatedKey {
  ciphertext: ArrayBuffer;
  sharedKey: CryptoKey;
}

type AnyAlgorithm = string | SubtleCryptoAlgorithm;
type AsymmetricName = `RSA${string}` | `EC${string}` | `Ed${string}` | `X25519` | `X448` |
  `ML-${string}`;
interface SubtleCrypto {
  digest(algorithm: AnyAlgorithm, data: BufferSource): Promise<ArrayBuffer>;
  encrypt(algorithm: AnyAlgorithm, key: CryptoKey, data: BufferSource): Promise<ArrayBuffer>;
  decrypt(algorithm: AnyAlgorithm, key: CryptoKey, data: BufferSource): Promise<ArrayBuffer>;
  sign(algorithm: AnyAlgorithm, key: CryptoKey, data: BufferSource): Promise<ArrayBuffer>;
  verify(algorithm: AnyAlgorithm, key: CryptoKey, signature: BufferSource,
    data: BufferSource): Promise<boolean>;
  generateKey(algorithm: AsymmetricName | (SubtleCryptoAlgorithm & { name: AsymmetricName }),
    extractable: boolean, usages: readonly KeyUsage[]): Promise<CryptoKeyPair>;
  generateKey(algorithm: SubtleCryptoAlgorithm & { name: `AES-${string}` | "HMAC" },
    extractable: boolean, usages: readonly KeyUsage[]): Promise<CryptoKey>;
  generateKey(algorithm: AnyAlgorithm, extractable: boolean,
    usages: readonly KeyUsage[]): Promise<CryptoKey | CryptoKeyPair>;
  importKey(format: "jwk", key: JsonWebKey, algorithm: AnyAlgorithm, extractable: boolean,
    usages: readonly KeyUsage[]): Promise<CryptoKey>;
  importKey(format: Exclude<KeyFormat, "jwk">, key: BufferSource, algorithm: AnyAlgorithm,
    extractable: boolean, usages: readonly KeyUsage[]): Promise<CryptoKey>;
  importKey(format: KeyFormat, key: BufferSource | JsonWebKey, algorithm: AnyAlgorithm,
    extractable: boolean, usages: readonly KeyUsage[]): Promise<CryptoKey>;
  exportKey(format: "jwk", key: CryptoKey): Promise<JsonWebKey>;
  exportKey(format: Exclude<KeyFormat, "jwk">, key: CryptoKey): Promise<ArrayBuffer>;
  exportKey(format: KeyFormat, key: CryptoKey): Promise<ArrayBuffer | JsonWebKey>;
  deriveBits(algorithm: AnyAlgorithm, key: CryptoKey, length?: number | null): Promise<ArrayBuffer>;
  deriveKey(algorithm: AnyAlgorithm, key: CryptoKey, derivedKeyType: AnyAlgorithm,
    extractable: boolean, usages: readonly KeyUsage[]): Promise<CryptoKey>;
  wrapKey(format: KeyFormat, key: CryptoKey, wrappingKey: CryptoKey,
    wrapAlgorithm: AnyAlgorithm): Promise<ArrayBuffer>;
  unwrapKey(format: KeyFormat, wrappedKey: BufferSource, unwrappingKey: CryptoKey,
    unwrapAlgorithm: AnyAlgorithm, keyAlgorithm: AnyAlgorithm, extractable: boolean,
    usages: readonly KeyUsage[]): Promise<CryptoKey>;
  getPublicKey(key: CryptoKey, usages: readonly KeyUsage[]): Promise<CryptoKey>;
  encapsulateBits(algorithm: AnyAlgorithm, key: CryptoKey): Promise<EncapsulatedBits>;
  encapsulateKey(algorithm: AnyAlgorithm, key: CryptoKey, sharedKeyAlgorithm: AnyAlgorithm,
    extractable: boolean, usages: readonly KeyUsage[]): Promise<EncapsulatedKey>;
  decapsulateBits(algorithm: AnyAlgorithm, key: CryptoKey,
    ciphertext: BufferSource): Promise<ArrayBuffer>;
  decapsulateKey(algorithm: AnyAlgorithm, key: CryptoKey, ciphertext: BufferSource,
    sharedKeyAlgorithm: AnyAlgorithm, extractable: boolean,
    usages: readonly KeyUsage[]): Promise<CryptoKey>;
  /** Whether two buffers of one length are equal, in a time that does not tell where they differ. */
  timingSafeEqual(a: BufferSource, b: BufferSource): boolean;
}
declare var SubtleCrypto: {
  prototype: SubtleCrypto;
  new (): never;
  supports(operation: string, algorithm: AnyAlgorithm, length?: number | null): boolean;
  supports(operation: string, algorithm: AnyAlgorithm, additional: AnyAlgorithm): boolean;
};

/** A digest of what is written to it. */
interface DigestStream extends WritableStream<string | BufferSource> {
  readonly digest: Promise<ArrayBuffer>;
  readonly bytesWritten: number | bigint;
}
interface Crypto {
  readonly subtle: SubtleCrypto;
  readonly DigestStream: {
    prototype: DigestStream;
    new (algorithm: AlgorithmIdentifier): DigestStream;
  };
  getRandomValues<T extends ArrayBufferView>(array: T): T;
  randomUUID(): `${string}-${string}-${string}-${string}-${string}`;
}
declare var Crypto: {
  prototype: Crypto;
  new (): never;
};
declare var crypto: Crypto;
