// Every pointer of the multi-byte indexes, against the copies that the Web Platform Tests have for
// their pages: `euckr`, `big5`, `jis0208` and `jis0212`.

/** bytesOf(pointer) encodes it; special(pointer) gives its text where the index does not. */
function check(name, label, index, bytesOf, special = () => undefined) {
  test(() => {
    const wrong = [];
    for (let pointer = 0; pointer < index.length; pointer++) {
      const text = new TextDecoder(label).decode(new Uint8Array(bytesOf(pointer)));
      const codePoint = index[pointer] ?? undefined;
      const expected = special(pointer) ??
        (codePoint === undefined ? "\ufffd" : String.fromCodePoint(codePoint));
      // What follows a malformed lead byte is its own.
      const right = expected === "\ufffd" ? text.startsWith(expected) : text === expected;
      if (!right) wrong.push(`${pointer} is ${text}, expected ${expected}`);
    }
    assert_array_equals(wrong, []);
  }, name);
}

const row = (pointer, width) => Math.floor(pointer / width);
const cell94 = (base) => (pointer) => [row(pointer, 94) + base, (pointer % 94) + base];

check("euc-kr", "euc-kr", euckr, (pointer) => [row(pointer, 190) + 0x81, (pointer % 190) + 0x41]);

const big5Pairs = { 1133: "\u00ca\u0304", 1135: "\u00ca\u030c", 1164: "\u00ea\u0304",
  1166: "\u00ea\u030c" };
check("big5", "big5", big5, (pointer) => {
  const trail = pointer % 157;
  return [row(pointer, 157) + 0x81, trail + (trail < 0x3f ? 0x40 : 0x62)];
}, (pointer) => big5Pairs[pointer]);

check("shift_jis", "shift_jis", jis0208, (pointer) => {
  const lead = row(pointer, 188), trail = pointer % 188;
  return [lead + (lead < 0x1f ? 0x81 : 0xc1), trail + (trail < 0x3f ? 0x40 : 0x41)];
}, (pointer) => (pointer >= 8836 && pointer <= 10715
  ? String.fromCharCode(0xe000 - 8836 + pointer) : undefined));

const twoBytes = jis0208.slice(0, 94 * 94);
check("euc-jp, JIS X 0208", "euc-jp", twoBytes, cell94(0xa1));
check("euc-jp, JIS X 0212", "euc-jp", jis0212, (pointer) => [0x8f, ...cell94(0xa1)(pointer)]);
check("iso-2022-jp", "iso-2022-jp", twoBytes,
  (pointer) => [0x1b, 0x24, 0x42, ...cell94(0x21)(pointer)]);
