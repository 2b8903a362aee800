// Beside @types/node, which declares Node's modules and globals.
import { AsyncLocalStorage } from 'node:async_hooks';
import { createHash } from 'node:crypto';
import { EventEmitter } from 'node:events';

interface Env {
  KV: KVNamespace;
}

const storage = new AsyncLocalStorage<{ id: string }>();
const emitter = new EventEmitter();

export default {
  async fetch(request, env, ctx): Promise<Response> {
    ctx.waitUntil(env.KV.put('seen', Buffer.from('x')));
    emitter.on('x', () => console.log(process.env['NAME']));
    const hash = createHash('sha256').update(await request.text()).digest('hex');
    const { 0: client, 1: server } = new WebSocketPair();
    server.accept();
    return storage.run({ id: hash }, () => new Response(null, { status: 101, webSocket: client }));
  },
} satisfies ExportedHandler<Env>;
