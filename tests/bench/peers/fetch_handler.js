// The handlers for every runtime whose server takes a function from Request to Response.
import { HELLO, HTML, LONG, PAGE, WORK, hex } from './payload.js';
import { ROW } from './row.js';

const html = { headers: { 'content-type': 'text/html' } };

// `store` has get(key) and put(key, value), which may return promises.
const handlers = {
  hello: () => new Response(HELLO),
  echo: async (request) => Response.json(await request.json()),
  page: () => new Response(PAGE, html),
  stream: (request) => new Response(request.body),
  sha256: async (request) =>
    new Response(hex(await crypto.subtle.digest('SHA-256', await request.arrayBuffer()))),
  url: () => new Response(WORK.url()),
  clone: () => new Response(WORK.clone()),
  decode: () => new Response(WORK.decode()),
  json: () => Response.json(LONG),
  gzip: async () => new Response(await WORK.gzip()),
  passthrough: (request) =>
    new Response(request.body.pipeThrough(new TransformStream())),
  rewrite: () => new HTMLRewriter()
    .on('a[href]', { element(link) { link.setAttribute('rel', 'nofollow'); } })
    .on('h2', { element(heading) { heading.append('!'); } })
    .transform(new Response(HTML, html)),
  kv: async (request, store) => {
    if (request.method === 'PUT') {
      await store.put('key', await request.text());
      return new Response(null, { status: 204 });
    }
    return new Response(await store.get('key'));
  },
};

export const answer = handlers[ROW];

// For the runtimes without a key-value store of their own.
export class MemoryStore {
  #entries = new Map();
  get(key) {
    return this.#entries.get(key);
  }
  put(key, value) {
    this.#entries.set(key, value);
  }
}
