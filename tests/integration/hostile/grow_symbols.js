// ends: memory_limit cpu_limit
export default {
  async fetch(request, env, ctx) {
    const kept = [];
    for (;;) kept.push(Symbol('x'.repeat(100) + kept.length));
  },
};
