// What every peer serves, so that all of them serve the same bytes.
export const HELLO = 'Hello, World!';
const line = 'The quick brown fox jumps over the lazy dog. 0123456789 abcdefg\n';
export const PAGE = line.repeat(1600);

export function hex(buffer) {
  let text = '';
  for (const byte of new Uint8Array(buffer)) text += byte.toString(16).padStart(2, '0');
  return text;
}

// ---- one operation of the rows that measure an API; `work` gives what the row answers ----

const URLS = ['http://example.com/', 'https://user:pw@example.com:8080/a/b/c?d=e&f=g#h',
  'https://www.example.org/some/long/path/to/a/page.html?with=some&query=strings',
  'http://127.0.0.1:3000/x', 'https://b\u00fccher.example/\u00e4', 'https://[2001:db8::1]/',
  'https://example.com/../a/./b/%7Efoo', 'https://sub.domain.example.co.uk/?q=1+2'];

function parseUrl(n) {
  const url = new URL(URLS[n % 8]);
  return url.host.length + url.search.length;
}

const OBJECT = { items: Array.from({ length: 24 },
  (_, id) => ({ id, name: `item ${id}`, ok: true, tags: ['a', 'b'], at: new Date(id) })) };
const MEGABYTE = new TextEncoder().encode('The quick br\u00f6wn fox. '.repeat(45454));
const DECODER = new TextDecoder();

// Prose that compresses as prose does: words in an order without a period.
const WORDS = line.split(' ').concat('edge', 'tenant', 'isolate', 'replica', 'snapshot', 'shard');
function prose(length) {
  let text = '', seed = 1;
  while (text.length < length) {
    seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
    text += WORDS[(seed >>> 16) % WORDS.length] + (seed % 7 === 0 ? seed.toString(36) : ' ');
  }
  return text.slice(0, length);
}
const PROSE = new TextEncoder().encode(prose(1 << 20));

// The row's operations, one after another; the last of them has the answer.
export const WORK = {
  url() {
    let sum = 0;
    for (let n = 0; n < 1000; n++) sum = n < 8 ? sum + parseUrl(n) : (parseUrl(n), sum);
    return String(sum);
  },
  clone() {
    let copy;
    for (let n = 0; n < 200; n++) copy = structuredClone(OBJECT);
    return String(copy.items.length);
  },
  decode() {
    let text;
    for (let n = 0; n < 4; n++) text = DECODER.decode(MEGABYTE);
    return String(text.length);
  },
  async gzip() {
    const zipped = new Response(PROSE).body.pipeThrough(new CompressionStream('gzip'));
    let size = 0;
    for await (const chunk of zipped) size += chunk.length;
    return String(size > 1e5 && size < 5e5);
  },
};

export const LONG = { items: Array.from({ length: 180 },
  (_, id) => ({ id, name: `item ${id}`, ok: true, tags: ['a', 'b'] })) };

// 100 KB of HTML with 200 links and 100 headings.
export const HTML = `<!doctype html><title>Bench</title><body>${
  `<h2>Heading</h2><p>${line.repeat(6)}<a href="/a?b=c">one</a> <b>and</b>
<a class="x" href="/d">two</a><p class=y>${line.repeat(8)}</p>`.repeat(100)}`;
