// What Atoll and workerd run. The store is a KV binding where there is one.
import { answer, MemoryStore } from './fetch_handler.js';

const memory = new MemoryStore();

export default {
  fetch: (request, env) => answer(request, env.STORE ?? memory),
};
