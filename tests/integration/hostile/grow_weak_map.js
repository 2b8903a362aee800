// ends: memory_limit cpu_limit
export default {
  async fetch(request, env, ctx) {
    const keys = [], kept = new WeakMap();
    for (;;) {
      const key = {};
      keys.push(key);
      kept.set(key, [1, 2, 3]);
    }
  },
};
