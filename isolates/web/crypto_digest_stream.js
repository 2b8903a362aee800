// crypto.DigestStream: a digest as a WritableStream. Of the platform, not the standard.
// https://developers.cloudflare.com/workers/runtime-apis/web-crypto/#constructors

const {
  ArrayBufferIsView, PromisePrototypeThen, PromiseReject, PromiseWithResolvers,
  RegExpPrototypeExec, TypeError,
} = internals.primordials;
const { configureInterface, isArrayBuffer, requiredArguments } = internals.webidl;
const { kConstruct, load } = internals;
const { notSupported, toAlgorithm } = internals.crypto;
load("web/streams_writable.js");
load("web/crypto_operations.js");
const core = internals.streamsCore;
const { normalize } = internals.cryptoNormalize;

/** The sink: a digest under way and the promise of its end. */
class DigestSink {
  written = 0;
  settlers = PromiseWithResolvers();
  #state;

  constructor(name) {
    this.#state = native.hashStart(name);
    // Whoever does not ask for the digest is not told that it failed.
    PromisePrototypeThen(this.settlers.promise, undefined, core.noop);
  }

  write(chunk) {
    if (typeof chunk !== "string" && !ArrayBufferIsView(chunk) && !isArrayBuffer(chunk)) {
      const error = new TypeError("DigestStream is a byte stream but received an object of " +
        "non-ArrayBuffer/ArrayBufferView/string type on its writable side.");
      this.settlers.reject(error);
      return PromiseReject(error);
    }
    this.written += native.hashUpdate(this.#state, chunk);
    return undefined;
  }

  close() {
    this.settlers.resolve(native.hashFinish(this.#state));
  }

  abort(reason) {
    this.settlers.reject(reason);
  }
}

const fixedDigest = /^(?:SHA-1|SHA-256|SHA-384|SHA-512|SHA3-256|SHA3-384|SHA3-512|MD5)$/;

class DigestStream extends core.WritableStream {
  #sink;

  constructor(algorithm) {
    const prefix = "Failed to construct 'DigestStream'";
    requiredArguments(arguments.length, 1, prefix);
    const { name } = normalize("digest", toAlgorithm(algorithm, prefix, "argument 1"), prefix);
    if (RegExpPrototypeExec(fixedDigest, name) === null) {
      throw notSupported(name, "DigestStream");
    }
    const sink = new DigestSink(name);
    super(kConstruct, core.makeWritable(sink, 1));
    this.#sink = sink;
  }

  /** A promise of the digest as an ArrayBuffer, once the stream is closed. */
  get digest() {
    return this.#sink.settlers.promise;
  }

  /** Bytes so far. */
  get bytesWritten() {
    return this.#sink.written;
  }
}
configureInterface(DigestStream);
internals.DigestStream = DigestStream;
