const bytes = (...values) => new Uint8Array(values);
const utf8 = (text) => new TextEncoder().encode(text);

test("TextEncoder encodes UTF-8", () => {
  same(utf8("a\u00e9\u20ac\u{1f600}\ud800"),
    bytes(97, 195, 169, 226, 130, 172, 240, 159, 152, 128, 239, 191, 189));
  same(new TextEncoder().encode(), bytes());
  same(new TextEncoder().encode(undefined), bytes());
  same(new TextEncoder().encode(null), utf8("null"));
  same(new TextEncoder("latin1").encoding, "utf-8");
});

test("TextEncoder.encodeInto writes whole characters only", () => {
  const into = (text, size) => {
    const target = new Uint8Array(size);
    const { read, written } = new TextEncoder().encodeInto(text, target);
    return [read, written, [...target]];
  };
  same(into("a\u20acb", 3), [1, 1, [97, 0, 0]]);
  same(into("a\u20acb", 4), [2, 4, [97, 226, 130, 172]]);
  same(into("\u{1f600}", 3), [0, 0, [0, 0, 0]]);
  same(into("\u{1f600}x", 4), [2, 4, [240, 159, 152, 128]]);
  same(into("\ud800", 3), [1, 3, [239, 191, 189]]);
  same(into("abc", 0), [0, 0, []]);
  throws("TypeError", () => new TextEncoder().encodeInto("a", new Uint16Array(4)));
  const gone = new Uint8Array(8);
  gone.buffer.transfer();
  same(new TextEncoder().encodeInto("a", gone).written, 0);
  const offset = new Uint8Array(8).subarray(4, 6);
  new TextEncoder().encodeInto("xyz", offset);
  same(new Uint8Array(offset.buffer), bytes(0, 0, 0, 0, 120, 121, 0, 0));
});

test("TextDecoder replaces malformed UTF-8 as the standard does", () => {
  const decode = (...values) => new TextDecoder().decode(bytes(...values));
  same(decode(0x61, 0xc3, 0xa9), "a\u00e9");
  same(decode(0xff), "\ufffd");
  same(decode(0xc0, 0x80), "\ufffd\ufffd");
  same(decode(0xe2, 0x82), "\ufffd");
  same(decode(0xe2, 0x82, 0x41), "\ufffdA");
  same(decode(0xed, 0xa0, 0x80), "\ufffd\ufffd\ufffd");
  same(decode(0xf4, 0x90, 0x80, 0x80), "\ufffd\ufffd\ufffd\ufffd");
  same(decode(0xf0, 0x9f, 0x98), "\ufffd");
});

test("TextDecoder drops one byte order mark unless told not to", () => {
  same(new TextDecoder().decode(bytes(0xef, 0xbb, 0xbf, 0x61)), "a");
  same(new TextDecoder().decode(bytes(0xef, 0xbb, 0xbf, 0xef, 0xbb, 0xbf)), "\ufeff");
  same(new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes(0xef, 0xbb, 0xbf)), "\ufeff");
  const pieces = new TextDecoder();
  same(pieces.decode(bytes(0xef, 0xbb), { stream: true }), "");
  same(pieces.decode(bytes(0xbf, 0x61), { stream: true }), "a");
  same(pieces.decode(bytes(0xef, 0xbb, 0xbf), { stream: true }), "\ufeff");
  same(pieces.decode(), "");
  same(pieces.decode(bytes(0xef, 0xbb, 0xbf)), "");
});

test("TextDecoder with fatal throws, and works again afterwards", () => {
  const decoder = new TextDecoder("utf8", { fatal: true });
  throws("TypeError", () => decoder.decode(bytes(0xff)), "not valid for encoding utf-8");
  same(decoder.decode(bytes(0x61)), "a");
  same(decoder.decode(bytes(0xe2, 0x82), { stream: true }), "");
  throws("TypeError", () => decoder.decode());
  same(decoder.decode(bytes(0x62)), "b");
});

test("TextDecoder in pieces gives what it gives in one piece", () => {
  const text = "a\u00e9\u20ac\u{1f600}z\ufffd\u{10ffff}";
  const all = [...utf8(text), 0xf0, 0x9f, 0xff, 0xed, 0xa0, 0xc3, 0xe0, 0x80, 0xf4, 0x90, 0xe2,
    0x82];
  const whole = new TextDecoder().decode(new Uint8Array(all));
  for (let size = 1; size < 6; size++) {
    const decoder = new TextDecoder();
    let got = "";
    for (let i = 0; i < all.length; i += size) {
      got += decoder.decode(new Uint8Array(all.slice(i, i + size)), { stream: true });
    }
    same(got + decoder.decode(), whole, `pieces of ${size}`);
  }
});

test("TextDecoder decodes UTF-16 of both byte orders", () => {
  same(new TextDecoder("utf-16").decode(bytes(0x61, 0, 0xac, 0x20, 0x3d, 0xd8, 0, 0xde)),
    "a\u20ac\u{1f600}");
  same(new TextDecoder("utf-16be").decode(bytes(0xfe, 0xff, 0, 0x61, 0xd8, 0x3d, 0xde, 0)),
    "a\u{1f600}");
  same(new TextDecoder("utf-16le").decode(bytes(0xff, 0xfe, 0x61)), "\ufffd");
  same(new TextDecoder("utf-16le").decode(bytes(0x00, 0xd8, 0x61)), "\ufffd");
  same(new TextDecoder("utf-16le").decode(bytes(0x00, 0xdc, 0x61, 0)), "\ufffda");
  throws("TypeError", () => new TextDecoder("utf-16le", { fatal: true }).decode(bytes(0, 0xd8)));
  const decoder = new TextDecoder("utf-16le");
  let got = "";
  for (const byte of [0xff, 0xfe, 0x3d, 0xd8, 0x00, 0xde, 0x61, 0x00, 0x3d, 0xd8]) {
    got += decoder.decode(bytes(byte), { stream: true });
  }
  same(got + decoder.decode(), "\u{1f600}a\ufffd");
});

test("TextDecoder knows every label of the single-byte encodings", () => {
  const decode = (label, ...values) => new TextDecoder(label).decode(bytes(...values));
  same(decode("latin1", 0x80, 0xe9, 0x41), "\u20ac\u00e9A");
  same(decode(" ASCII\n", 0x93), "\u201c");
  same(decode("koi8-u", 0xae), "\u045e");
  same(decode("iso-8859-7", 0xa4), "\u20ac");
  same(decode("windows-1251", 0xcf, 0xf0), "\u041f\u0440");
  same(decode("x-user-defined", 0x80, 0xff), "\uf780\uf7ff");
  same(decode("windows-874", 0xdb), "\ufffd");
  same(new TextDecoder("iso-8859-8-i").encoding, "iso-8859-8-i");
  same(new TextDecoder("l1").encoding, "windows-1252");
  throws("TypeError", () => new TextDecoder("windows-874", { fatal: true }).decode(bytes(0xdb)));
  same(new TextDecoder("koi8-r").decode(bytes(0xc1), { stream: true }), "\u0430");
});

test("TextDecoder refuses labels it cannot serve", () => {
  for (const label of ["", "nope", "replacement", "utf-7", "utf-8\u00a0"]) {
    throws("RangeError", () => new TextDecoder(label), "names no encoding");
  }
  throws("RangeError", () => new TextDecoder("hz-gb-2312"), "names no encoding");
});

test("TextDecoder takes every kind of buffer and no other value", () => {
  const buffer = utf8("abcd").buffer;
  same(new TextDecoder().decode(buffer), "abcd");
  same(new TextDecoder().decode(new DataView(buffer, 1, 2)), "bc");
  same(new TextDecoder().decode(new Uint16Array(buffer)), "abcd");
  same(new TextDecoder().decode(undefined), "");
  for (const value of [null, "a", 5, {}, []]) {
    throws("TypeError", () => new TextDecoder().decode(value), "argument 1");
  }
  throws("TypeError", () => new TextDecoder().decode(new ArrayBuffer(1, { maxByteLength: 9 })));
  const view = new Uint8Array(buffer);
  buffer.transfer();
  same(new TextDecoder().decode(view), "");
  same(new TextDecoder().decode(buffer, { stream: true }), "");
});

test("TextDecoder decodes large inputs", () => {
  same(new TextDecoder().decode(new Uint8Array(5_000_000).fill(0x61)).length, 5_000_000);
  const wide = new TextDecoder().decode(new Uint8Array(3_000_000).map((_, i) => [0xe2, 0x82,
    0xac][i % 3]));
  same([wide.length, wide[999_999]], [1_000_000, "\u20ac"]);
});

test("TextEncoderStream and TextDecoderStream carry characters across chunks", async () => {
  const encoded = [];
  const encoder = new TextEncoderStream();
  const writer = encoder.writable.getWriter();
  const writes = Promise.all([writer.write("a\ud83d"), writer.write("\ude00"),
    writer.write("\ud83d"),
    writer.close()]);
  for await (const chunk of encoder.readable) encoded.push(...chunk);
  await writes;
  same(encoded, [97, 240, 159, 152, 128, 239, 191, 189]);
  let text = "";
  const source = ReadableStream.from([bytes(0xf0, 0x9f), bytes(0x98, 0x80, 0xe2), bytes(0x82)]);
  for await (const chunk of source.pipeThrough(new TextDecoderStream())) text += chunk;
  same(text, "\u{1f600}\ufffd");
  const fatal = ReadableStream.from([bytes(0xff)]).pipeThrough(new TextDecoderStream("utf-8",
    { fatal: true }));
  await rejects("TypeError", fatal.getReader().read());
  const wrong = ReadableStream.from(["text"]).pipeThrough(new TextDecoderStream());
  await rejects("TypeError", wrong.getReader().read());
});

test("atob is forgiving as the standard says and no more", () => {
  same(atob("YWJj"), "abc");
  same(atob(" Y W\tJ\nj "), "abc");
  same(atob("YQ=="), "a");
  same(atob("YQ"), "a");
  same(atob("/+8="), "\xff\xef");
  same(atob(""), "");
  same(atob(null), "\x9e\xe9e");
  for (const bad of ["Y", "YQ=", "YQ===", "=", "YQ==YQ==", "a-b_", "YW J\u00e9", "\u0100",
    "YQ==="]) {
    throws("InvalidCharacterError", () => atob(bad));
  }
});

test("btoa takes bytes only", () => {
  same(btoa("abc\xff"), "YWJj/w==");
  same(btoa(""), "");
  throws("InvalidCharacterError", () => btoa("\u0100"));
  throws("TypeError", () => btoa(), "1 argument required");
  same(throws("InvalidCharacterError", () => btoa("\u20ac")).code, 5);
});

test("TextDecoder knows the multi-byte encodings, in one piece and byte by byte", () => {
  const samples = {
    "shift_jis": [[0x82, 0xa0, 0xb1, 0x5c, 0xf0, 0x40], "\u3042\uff71\\\ue000"],
    "euc-jp": [[0xa4, 0xa2, 0x8e, 0xb1, 0x8f, 0xb0, 0xa1], "\u3042\uff71\u4e02"],
    "iso-2022-jp": [[0x1b, 0x24, 0x42, 0x24, 0x22, 0x1b, 0x28, 0x4a, 0x5c, 0x1b, 0x28, 0x42, 0x41],
      "\u3042\u00a5A"],
    "euc-kr": [[0xb0, 0xa1, 0x41, 0x81, 0x41], "\uac00A\uac02"],
    "big5": [[0xa4, 0x40, 0x88, 0x62, 0x87, 0x40], "\u4e00\u00ca\u0304\u43f0"],
    "gbk": [[0xb0, 0xa1, 0x80, 0x41], "\u554a\u20acA"],
    "gb18030": [[0x81, 0x30, 0x81, 0x30, 0x90, 0x30, 0x81, 0x30, 0xb0, 0xa1],
      "\u0080\u{10000}\u554a"],
    "x-user-defined": [[0x41, 0x80, 0xff], "A\uf780\uf7ff"],
  };
  for (const [label, [bytes, text]] of Object.entries(samples)) {
    same(new TextDecoder(label).encoding, label);
    same(new TextDecoder(label, { fatal: true }).decode(new Uint8Array(bytes)), text, label);
    const decoder = new TextDecoder(label);
    let pieces = "";
    for (const byte of bytes) pieces += decoder.decode(new Uint8Array([byte]), { stream: true });
    same(pieces + decoder.decode(), text, label);
  }
});

test("A malformed multi-byte sequence costs one replacement and no ASCII after it", () => {
  const samples = {
    "shift_jis": [[0x82, 0x20, 0xa0, 0x41, 0x82], "\ufffd \ufffdA\ufffd"],
    "euc-jp": [[0x8f, 0xa1, 0x41, 0xa4], "\ufffdA\ufffd"],
    "iso-2022-jp": [[0x1b, 0x24, 0x1b, 0x28, 0x42, 0x1b, 0x28, 0x42, 0x80], "\ufffd$\ufffd\ufffd"],
    "euc-kr": [[0xb0, 0x20, 0xff], "\ufffd \ufffd"],
    "big5": [[0xa4, 0x20, 0x80], "\ufffd \ufffd"],
    "gb18030": [[0x81, 0x30, 0x81, 0x41, 0x84, 0x31, 0xa5, 0x30, 0x81],
      "\ufffd0\u4e04\ufffd\ufffd"],
  };
  for (const [label, [bytes, text]] of Object.entries(samples)) {
    same(new TextDecoder(label).decode(new Uint8Array(bytes)), text, label);
    throws("TypeError", () =>
      new TextDecoder(label, { fatal: true }).decode(new Uint8Array(bytes)), label);
  }
});
