// node:stream/consumers
const { Buffer } = require("node:buffer");

async function chunks(stream) {
  const parts = [];
  for await (const chunk of stream) {
    parts.push(typeof chunk === "string" ? Buffer.from(chunk) : Buffer.from(chunk));
  }
  return Buffer.concat(parts);
}

const text = async (stream) => new TextDecoder().decode(await chunks(stream));

module.exports = {
  buffer: chunks,
  text,
  arrayBuffer: async (stream) => {
    const bytes = await chunks(stream);
    return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
  },
  bytes: async (stream) => new Uint8Array(await chunks(stream)),
  blob: async (stream) => new Blob([await chunks(stream)]),
  json: async (stream) => JSON.parse(await text(stream)),
};
