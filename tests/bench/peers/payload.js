// What every peer serves, so that all of them serve the same bytes.
export const HELLO = 'Hello, World!';
const line = 'The quick brown fox jumps over the lazy dog. 0123456789 abcdefg\n';
export const PAGE = line.repeat(1600);

export function hex(buffer) {
  let text = '';
  for (const byte of new Uint8Array(buffer)) text += byte.toString(16).padStart(2, '0');
  return text;
}
