// ends: memory_limit cpu_limit
export default {
  async fetch(request, env, ctx) {
    const kept = [];
    for (;;) { const e = new Error('x'.repeat(100) + kept.length); e.stack; kept.push(e); }
  },
};
