// CompressionStream and DecompressionStream. https://compression.spec.whatwg.org/

const formats = ["gzip", "deflate", "deflate-raw", "brotli"];

function through(bytes, stream, pieceBytes = Infinity) {
  const writer = stream.writable.getWriter();
  const written = (async () => {
    for (let at = 0; at < bytes.length; at += pieceBytes) {
      await writer.write(bytes.subarray(at, Math.min(at + pieceBytes, bytes.length)));
    }
    await writer.close();
  })();
  written.catch(() => {});
  return new Response(stream.readable).bytes();
}

const compress = (bytes, format) => through(bytes, new CompressionStream(format));
const decompress = (bytes, format, pieceBytes) =>
  through(bytes, new DecompressionStream(format), pieceBytes);

function mixedBytes(length) {
  let random = 1;
  return new Uint8Array(length).map(() => {
    random = (Math.imul(random, 1664525) + 1013904223) >>> 0;
    return random % 5 === 0 ? random >>> 24 : 97;
  });
}

test("Every format gives back what went in, whole and cut to pieces", async () => {
  for (const format of formats) {
    for (const length of [0, 1, 300_000]) {
      const bytes = mixedBytes(length);
      const small = await compress(bytes, format);
      ok(length < 1000 || small.length < length, `${format} saves nothing`);
      for (const piece of [Infinity, 777]) {
        const back = await decompress(small, format, piece);
        same(back.length, length, format);
        ok(back.every((byte, i) => byte === bytes[i]), `${format} gave other bytes`);
      }
    }
  }
});

test("Compressed bytes are what other programs read", async () => {
  const gzip = await compress(new TextEncoder().encode("x"), "gzip");
  same([...gzip.subarray(0, 3)], [0x1f, 0x8b, 8]);
  const deflate = await compress(new TextEncoder().encode("x"), "deflate");
  same(deflate[0], 0x78);
});

test("Only the four formats are known", () => {
  for (const Stream of [CompressionStream, DecompressionStream]) {
    throws("TypeError", () => new Stream(), "1 argument required");
    throws("TypeError", () => new Stream("GZIP"), "CompressionFormat");
    throws("TypeError", () => new Stream("zstd"));
    throws("TypeError", () => new Stream(Symbol()));
    throws("TypeError", () => Stream("gzip"));
    same(Stream.length, 1);
  }
});

test("Input that is cut short, damaged or followed by more is a TypeError", async () => {
  const bytes = mixedBytes(1000);
  for (const format of formats) {
    const good = await compress(bytes, format);
    await rejects("TypeError", decompress(good.subarray(0, good.length - 1), format));
    await rejects("TypeError", decompress(new Uint8Array(0), format));
    await rejects("TypeError", decompress(new Uint8Array([...good, 0]), format), "more input");
    await rejects("TypeError", decompress(new Uint8Array([0xff, ...good]), format));
  }
});

test("What was good comes out before more input fails", async () => {
  const good = await compress(new TextEncoder().encode("hello"), "gzip");
  const stream = new DecompressionStream("gzip");
  const writer = stream.writable.getWriter(), reader = stream.readable.getReader();
  const write = writer.write(new Uint8Array([...good, 1]));
  write.catch(() => {});
  const { value } = await reader.read();
  same(new TextDecoder().decode(value), "hello");
  await rejects("TypeError", reader.read());
  await rejects("TypeError", write);
  await rejects("TypeError", writer.closed);
});

test("Chunks that are no buffers are refused", async () => {
  const resizable = new ArrayBuffer(8, { maxByteLength: 9 });
  for (const chunk of [undefined, null, 1, "text", {}, [1], resizable]) {
    const stream = new CompressionStream("gzip");
    const writer = stream.writable.getWriter(), reader = stream.readable.getReader();
    const read = reader.read();
    read.catch(() => {});
    await rejects("TypeError", writer.write(chunk));
    await rejects("TypeError", read);
  }
});

test("Every kind of view is compressed by its own bytes only", async () => {
  const buffer = new Uint8Array([1, 2, 3, 4, 5, 6, 7, 8]).buffer;
  for (const view of [buffer, new DataView(buffer), new Uint16Array(buffer)]) {
    const stream = new CompressionStream("deflate");
    const writer = stream.writable.getWriter();
    writer.write(view);
    writer.close();
    same([...await decompress(await new Response(stream.readable).bytes(), "deflate")],
      [1, 2, 3, 4, 5, 6, 7, 8]);
  }
});

test("A bomb waits for its reader and can be dropped", async () => {
  let bomb = await compress(new Uint8Array(30_000_000), "gzip");
  const stream = new DecompressionStream("gzip");
  const writer = stream.writable.getWriter(), reader = stream.readable.getReader();
  let written = false;
  const write = writer.write(bomb).then(() => { written = true; }, () => {});
  let { value } = await reader.read();
  ok(value.length <= 65536, "a piece is larger than 64 KiB");
  await scheduler.wait(1);
  ok(!written, "30 MB were made for a reader that took 64 KiB");
  bomb.fill(0);  // What waits is a copy.
  for (let i = 0; i < 40; i++) ({ value } = await reader.read());
  same(value.length, 65536);
  await reader.cancel();
  await write;
});

test("Thousands of streams that nobody finishes are garbage like any other", async () => {
  for (let i = 0; i < 3000; i++) new CompressionStream("gzip").writable.getWriter();
});

test("Patched built-ins change nothing", async () => {
  const { enqueue } = TransformStreamDefaultController.prototype;
  const typedArray = Object.getPrototypeOf(Uint8Array);
  const species = Object.getOwnPropertyDescriptor(typedArray, Symbol.species);
  TransformStreamDefaultController.prototype.enqueue = () => fail("enqueue was called");
  Object.defineProperty(typedArray, Symbol.species,
    { configurable: true, get: () => fail("species was asked for") });
  try {
    await decompress(await compress(mixedBytes(3_000_000), "gzip"), "gzip");
  } finally {
    TransformStreamDefaultController.prototype.enqueue = enqueue;
    Object.defineProperty(typedArray, Symbol.species, species);
  }
});
