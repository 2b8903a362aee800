// ends: memory_limit cpu_limit script_exception
export default {
  async fetch(request, env, ctx) {
    const kept = [];
    for (;;) kept.push(('x'.repeat(1e6) + kept.length).split('').join('').toUpperCase());
  },
};
