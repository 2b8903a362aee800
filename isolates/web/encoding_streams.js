// TextEncoderStream and TextDecoderStream.
// https://encoding.spec.whatwg.org/#interface-textencoderstream

const {
  StringPrototypeCharCodeAt, StringPrototypeSlice, Uint8Array,
} = internals.primordials;
const { configureInterface, converters } = internals.webidl;
const { defineGlobal, streams } = internals;
const { makeDecoder } = internals.encoding;

/**
 * A surrogate pair may come in two chunks.
 * https://encoding.spec.whatwg.org/#encode-and-enqueue-a-chunk
 */
class EncoderSteps {
  #lead = "";

  transform(chunk, controller) {
    let text = this.#lead + converters.DOMString(chunk, "TextEncoderStream", "the chunk");
    if (text === "") return;
    this.#lead = "";
    const last = StringPrototypeCharCodeAt(text, text.length - 1);
    if (last >= 0xd800 && last <= 0xdbff) {
      this.#lead = text[text.length - 1];
      text = StringPrototypeSlice(text, 0, -1);
      if (text === "") return;
    }
    controller.enqueue(native.textToBytes(text));
  }

  flush(controller) {
    if (this.#lead !== "") controller.enqueue(native.textToBytes(this.#lead));
  }
}

class TextEncoderStream {
  #pair;

  constructor() {
    const steps = new EncoderSteps();
    this.#pair = streams.createTransform({
      transform: (chunk, controller) => steps.transform(chunk, controller),
      flush: (controller) => steps.flush(controller),
    });
  }

  get encoding() {
    this.#pair;
    return "utf-8";
  }

  get readable() {
    return this.#pair.readable;
  }

  get writable() {
    return this.#pair.writable;
  }
}
configureInterface(TextEncoderStream);

class TextDecoderStream {
  #decoder;
  #pair;

  constructor(label = "utf-8", options = undefined) {
    const decoder = makeDecoder(label, options, "Failed to construct 'TextDecoderStream'");
    this.#decoder = decoder;
    const enqueue = (text, controller) => {
      if (text !== "") controller.enqueue(text);
    };
    this.#pair = streams.createTransform({
      transform(chunk, controller) {
        const bytes = converters.BufferSource(chunk, "TextDecoderStream", "the chunk");
        enqueue(decoder.decode(bytes, true), controller);
      },
      flush: (controller) => enqueue(decoder.decode(noBytes, false), controller),
    });
  }

  get encoding() {
    return this.#decoder.encoding;
  }

  get fatal() {
    return this.#decoder.fatal;
  }

  get ignoreBOM() {
    return this.#decoder.ignoreBOM;
  }

  get readable() {
    return this.#pair.readable;
  }

  get writable() {
    return this.#pair.writable;
  }
}
configureInterface(TextDecoderStream);

const noBytes = new Uint8Array(0);

defineGlobal("TextEncoderStream", TextEncoderStream);
defineGlobal("TextDecoderStream", TextDecoderStream);
