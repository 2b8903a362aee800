test("structuredClone copies every kind of value", () => {
  const date = new Date(5);
  const source = { n: 1, text: "\u00e9\u{1f600}", big: 5n, nothing: null, undef: undefined, date,
    regexp: /a(b)/gi, map: new Map([[{ k: 1 }, new Set([1, 2])]]), array: [1, , 3],
    bytes: new Uint8Array([1, 2]), buffer: new ArrayBuffer(2), boxed: new Number(3), nan: NaN };
  source.self = source;
  const copy = structuredClone(source);
  ok(copy !== source && copy.self === copy && copy.date !== date);
  delete source.self;
  delete copy.self;
  same(copy, source);
  ok(copy.boxed instanceof Number && !(1 in copy.array));
  same(structuredClone(-0), -0);
});

test("structuredClone copies errors with what they carry", () => {
  const copy = structuredClone(new RangeError("too far", { cause: { a: 1 } }));
  ok(copy instanceof RangeError);
  same([copy.name, copy.message, copy.cause], ["RangeError", "too far", { a: 1 }]);
  const exception = structuredClone(new DOMException("gone", "AbortError"));
  ok(exception instanceof DOMException);
  same([exception.name, exception.message, exception.code], ["AbortError", "gone", 20]);
});

test("structuredClone refuses what cannot be cloned", () => {
  for (const value of [() => {}, Symbol(), new Headers(), new URL("a:b"), new ReadableStream(),
    new AbortController(), { deep: [new Response("x")] }, new WeakMap(), Promise.resolve(),
    new (class extends EventTarget {})()]) {
    const error = throws("DataCloneError", () => structuredClone(value));
    ok(error instanceof DOMException && error.code === 25);
  }
  throws("TypeError", () => structuredClone(), "1 argument required");
});

test("structuredClone transfers buffers and detaches them", () => {
  const buffer = new Uint8Array([1, 2, 3]).buffer;
  const view = new Uint8Array(buffer, 1);
  const copy = structuredClone({ view, buffer }, { transfer: [buffer] });
  same([buffer.byteLength, view.length], [0, 0]);
  same([copy.view, copy.buffer.byteLength], [new Uint8Array([2, 3]), 3]);
  ok(copy.view.buffer === copy.buffer);
  throws("DataCloneError", () => structuredClone(1, { transfer: [buffer] }), "detached");
  const other = new ArrayBuffer(1);
  throws("DataCloneError", () => structuredClone(1, { transfer: [other, other] }), "repeats");
  throws("DataCloneError", () => structuredClone(1, { transfer: [{}] }), "not transferable");
  throws("TypeError", () => structuredClone(1, { transfer: [1] }));
  throws("TypeError", () => structuredClone(1, { transfer: 5 }));
  same(other.byteLength, 1);
});

test("structuredClone survives script that runs meanwhile", () => {
  const buffer = new ArrayBuffer(8);
  const hostile = { get a() { structuredClone(buffer, { transfer: [buffer] }); return 1; },
    buffer };
  const outcome = (() => {
    try {
      return structuredClone(hostile, { transfer: [buffer] }).buffer.byteLength;
    } catch (error) {
      return error.name;
    }
  })();
  ok(outcome === 0 || outcome === "DataCloneError", outcome);
  const resizable = new ArrayBuffer(4, { maxByteLength: 16 });
  const shrinking = { view: new Uint8Array(resizable), get z() { resizable.resize(0); return 1; } };
  same(structuredClone(shrinking).z, 1);
  throws("Error", () => structuredClone({ get x() { throw new Error("mine"); } }), "mine");
  let deep = {};
  for (let i = 0; i < 100_000; i++) deep = { deep };
  throws("RangeError", () => structuredClone(deep));
});

test("structuredClone drops prototypes of tenants' classes and keeps their fields", () => {
  class Point { constructor() { this.x = 1; } get y() { return 2; } }
  const copy = structuredClone(new Point());
  same(Object.getPrototypeOf(copy) === Object.prototype, true);
  same(copy, { x: 1 });
  same(structuredClone(Object.create(null, { a: { value: 1, enumerable: true } })), { a: 1 });
});
