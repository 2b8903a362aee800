// ends: memory_limit cpu_limit script_exception
export default {
  async fetch(request, env, ctx) {
    const kept = [];
    for (;;) kept.push(('\u1234'.repeat(5e7) + kept.length).toLowerCase());
  },
};
