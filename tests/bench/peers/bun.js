import { answer, MemoryStore } from './fetch_handler.js';

const store = new MemoryStore();
Bun.serve({
  hostname: '127.0.0.1',
  port: Number(process.argv[2]),
  fetch: (request) => answer(request, store),
});
