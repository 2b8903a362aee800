import { answer, MemoryStore } from './fetch_handler.js';

const store = new MemoryStore();
Deno.serve({ hostname: '127.0.0.1', port: Number(Deno.args[0]), onListen() {} },
           (request) => answer(request, store));
