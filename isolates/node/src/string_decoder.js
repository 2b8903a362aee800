// node:string_decoder
const { Buffer } = require("node:buffer");
const { StringDecoder } = require("../node_modules/string_decoder/lib/string_decoder.js");

/** base64url is not known to the package: characters come in groups of three bytes, as base64. */
class Decoder {
  #inner;
  encoding;

  constructor(encoding) {
    const name = encoding === undefined || encoding === null ? "utf8" : `${encoding}`.toLowerCase();
    if (!Buffer.isEncoding(name)) {
      const error = new TypeError(`Unknown encoding: ${encoding}`);
      error.code = "ERR_UNKNOWN_ENCODING";
      throw error;
    }
    this.#inner = new StringDecoder(name === "base64url" ? "base64" : name);
    this.encoding = name === "base64url" ? name : this.#inner.encoding;
  }

  #give(text) {
    return this.encoding !== "base64url" ? text :
      text.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
  }

  write(bytes) {
    if (typeof bytes === "string") return bytes;
    if (!ArrayBuffer.isView(bytes)) {
      const error = new TypeError('The "buf" argument must be an instance of Buffer, TypedArray, ' +
        "or DataView.");
      error.code = "ERR_INVALID_ARG_TYPE";
      throw error;
    }
    return this.#give(this.#inner.write(
      Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)));
  }

  end(bytes) {
    const text = bytes === undefined ? "" : this.write(bytes);
    return text + this.#give(this.#inner.end());
  }
}
Object.defineProperty(Decoder, "name", { value: "StringDecoder" });

module.exports = { StringDecoder: Decoder };
