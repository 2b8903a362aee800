// ends: memory_limit cpu_limit
export default {
  async fetch(request, env, ctx) {
    const kept = [];
    for (;;) kept.push(new URL('http://example.com/' + 'x'.repeat(1000) + kept.length));
  },
};
