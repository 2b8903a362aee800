// node:stream
const Stream = require("readable-stream/lib/stream.js");
const { Readable, Writable, Duplex } = Stream;
const { Buffer } = require("node:buffer");

function toWeb(readable, options = {}) {
  const highWaterMark = options.strategy?.highWaterMark ?? 0;
  let onData;
  return new ReadableStream({
    start(controller) {
      readable.pause();
      onData = (chunk) => {
        controller.enqueue(typeof chunk === "string" || readable.readableObjectMode ? chunk :
          new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength));
        if (controller.desiredSize <= 0) readable.pause();
      };
      readable.on("data", onData);
      readable.pause();
      let over = false;
      Stream.finished(readable, { writable: false }, (error) => {
        if (over) return;
        over = true;
        try {
          if (error) controller.error(error);
          else controller.close();
        } catch {
          // It was cancelled meanwhile.
        }
      });
    },
    pull() {
      readable.resume();
    },
    cancel(reason) {
      readable.off("data", onData);
      readable.destroy(reason instanceof Error ? reason : undefined);
    },
  }, { highWaterMark });
}

function fromWeb(stream, options = {}) {
  const reader = stream.getReader();
  let over = false;
  return new Readable({
    ...options,
    read() {
      reader.read().then(({ done, value }) => {
        if (done) {
          over = true;
          this.push(null);
        } else {
          this.push(value instanceof Uint8Array && !options.objectMode ?
            Buffer.from(value.buffer, value.byteOffset, value.byteLength) : value);
        }
      }, (error) => {
        over = true;
        this.destroy(error);
      });
    },
    destroy(error, callback) {
      if (over) return callback(error);
      over = true;
      return reader.cancel(error).then(() => callback(error), () => callback(error));
    },
  });
}

function writableToWeb(writable) {
  let drained;
  writable.on("drain", () => {
    drained?.resolve();
    drained = undefined;
  });
  return new WritableStream({
    start(controller) {
      Stream.finished(writable, { readable: false }, (error) => {
        if (error) controller.error(error);
        drained?.resolve();
      });
    },
    write(chunk) {
      if (writable.write(chunk)) return undefined;
      drained = Promise.withResolvers();
      return drained.promise;
    },
    close: () => new Promise((resolve, reject) => {
      writable.end((error) => error ? reject(error) : resolve());
    }),
    abort(reason) {
      writable.destroy(reason instanceof Error ? reason : undefined);
    },
  });
}

function writableFromWeb(stream, options = {}) {
  const writer = stream.getWriter();
  return new Writable({
    ...options,
    write(chunk, encoding, callback) {
      const bytes = typeof chunk === "string" ? Buffer.from(chunk, encoding) : chunk;
      writer.ready.then(() => writer.write(bytes)).then(() => callback(), callback);
    },
    final(callback) {
      writer.close().then(() => callback(), callback);
    },
    destroy(error, callback) {
      if (error) writer.abort(error).then(() => callback(error), () => callback(error));
      else callback(error);
    },
  });
}

Readable.toWeb = toWeb;
Readable.fromWeb = fromWeb;
Writable.toWeb = writableToWeb;
Writable.fromWeb = writableFromWeb;
Duplex.toWeb = (duplex) => ({ readable: toWeb(duplex), writable: writableToWeb(duplex) });
Duplex.fromWeb = ({ readable, writable }, options = {}) =>
  Duplex.from({ readable: fromWeb(readable, options), writable: writableFromWeb(writable,
    options) });
Stream.default = Stream;

module.exports = Stream;
