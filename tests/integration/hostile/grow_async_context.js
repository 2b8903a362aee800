// ends: memory_limit script_exception cpu_limit
// flags: nodejs_compat
import { AsyncLocalStorage } from 'node:async_hooks';
export default {
  fetch() {
    const kept = [];
    for (;;) kept.push(new AsyncLocalStorage());
  },
};
