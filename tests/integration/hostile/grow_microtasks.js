// ends: memory_limit cpu_limit
export default {
  async fetch(request, env, ctx) {
    for (;;) queueMicrotask(() => {});
  },
};
