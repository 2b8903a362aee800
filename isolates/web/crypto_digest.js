// The digests of SubtleCrypto. https://w3c.github.io/webcrypto/#sha
// https://wicg.github.io/webcrypto-modern-algos/#sha3 and the extendable-output functions there

const { load } = internals;
load("web/crypto_common.js");
const { noBytes, operationError } = internals.cryptoCommon;
const implementations = internals.cryptoImplementations;

const fixed = ["SHA-1", "SHA-256", "SHA-384", "SHA-512", "SHA3-256", "SHA3-384", "SHA3-512", "MD5"];
for (let i = 0; i < fixed.length; i++) {
  implementations[fixed[i]] = {
    __proto__: null,
    digest: (params, data) => native.digest(params.name, data),
  };
}

const kOutputBitsMax = 8 * 1024 * 1024;

function checkDigest(params) {
  const { outputLength, domainSeparation } = params;
  if (outputLength % 8 !== 0 || outputLength > kOutputBitsMax) {
    throw operationError("outputLength must be whole bytes, in bits, and at most a megabyte");
  }
  if (domainSeparation !== undefined && (domainSeparation < 1 || domainSeparation > 0x7f)) {
    throw operationError("domainSeparation is a number from 1 to 127");
  }
}

/** `first` and `second` give what native.xof() wants of the params. */
function extendable(names, first, second) {
  for (let i = 0; i < names.length; i++) {
    implementations[names[i]] = {
      __proto__: null,
      checkDigest,
      digest(params, data) {
        checkDigest(params);
        return native.xof(params.name, params.outputLength / 8, data, first(params),
          second(params));
      },
    };
  }
}
const customization = (params) => params.customization ?? noBytes;
const nothing = () => noBytes;
extendable(["cSHAKE128", "cSHAKE256"], (params) => params.functionName ?? noBytes, customization);
extendable(["TurboSHAKE128", "TurboSHAKE256"], (params) => params.domainSeparation ?? 0x1f,
  nothing);
extendable(["KT128", "KT256"], customization, nothing);
