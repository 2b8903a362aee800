// Each line that says "refused" must be, with that in the compiler's words, and no other.
import { RpcTarget, WorkerEntrypoint } from 'cloudflare:workers';
import { connect } from 'cloudflare:sockets';
import nothing from 'cloudflare:nothing'; // refused: Cannot find module

interface Env {
  KV: KVNamespace;
  OTHER: Service<typeof Other>;
}

class Target extends RpcTarget {
  greet(name: string): string {
    return name;
  }
}
class Other extends WorkerEntrypoint<Env> {
  target(): Target {
    return new Target();
  }
}

export default {
  async fetch(request, env, ctx) {
    document.title = 'x'; // refused: Cannot find name 'document'
    window.alert('x'); // refused: Cannot find name 'window'
    new XMLHttpRequest(); // refused: Cannot find name 'XMLHttpRequest'
    localStorage.setItem('a', 'b'); // refused: Cannot find name 'localStorage'
    new Worker('x.js'); // refused: Cannot find name 'Worker'
    Buffer.from('x'); // refused: Cannot find name 'Buffer'
    request.method = 'POST'; // refused: read-only property
    request.context; // refused: does not exist on type
    await fetch('x', { cache: 'always' }); // refused: not assignable
    await fetch('x', { mode: 'navigate' }); // refused: not assignable
    await fetch('x', { timeout: 5 }); // refused: does not exist in type
    new Response('x', { status: '200' }); // refused: not assignable
    new Response({ a: 1 }); // refused: does not exist in type
    Response.json(); // refused: Expected 1-2 arguments
    await caches.default.keys(); // refused: does not exist on type
    await caches.default.add('x'); // refused: does not exist on type
    await env.KV.get('a', 'xml'); // refused: No overload matches
    await env.KV.put('a', { b: 1 }); // refused: does not exist in type
    await env.KV.getAll(); // refused: does not exist on type
    env.NOTHING; // refused: does not exist on type
    ctx.waitUntil(() => {}); // refused: not assignable
    ctx.waitFor(Promise.resolve()); // refused: does not exist on type
    const target = await env.OTHER.target();
    const length: number = await target.greet('a'); // refused: not assignable
    await target.greet(5); // refused: not assignable
    await env.OTHER.nothing(); // refused: does not exist on type
    connect('a:1', { secureTransport: 'starttls' }); // refused: not assignable
    new CompressionStream('zip'); // refused: not assignable
    new WebSocketPair().accept(); // refused: does not exist on type
    new HTMLRewriter().on('p', { elements() {} }); // refused: may only specify known properties
    new HTMLRewriter().transform('x'); // refused: not assignable
    await crypto.subtle.digest('SHA-256', 'text'); // refused: not assignable
    crypto.subtle.timingSafeEqual('a', 'b'); // refused: not assignable
    const id: string = setTimeout(() => {}, 1); // refused: not assignable
    await WebAssembly.compileStreaming(fetch('x')); // refused: does not exist on type
    new FixedLengthStream(); // refused: Expected 1-2 arguments
    performance.timing; // refused: does not exist on type
    navigator.geolocation; // refused: does not exist on type
    return new Response(length, id, nothing); // refused: Expected 0-2 arguments
  },
  queue(batch) {
    batch.messages[0].acknowledge(); // refused: does not exist on type
  },
} satisfies ExportedHandler<Env>;

export const wrongAnswer: ExportedHandler = {
  fetch: () => 'text', // refused: not assignable
};
export const wrongName: ExportedHandler = {
  fetched() {}, // refused: may only specify known properties
};
