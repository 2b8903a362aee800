// ends: memory_limit script_exception
export default {
  async fetch(request, env, ctx) {
    const kept = [];
    for (;;) kept.push(new Blob(['x'.repeat(1e6) + kept.length]));
  },
};
