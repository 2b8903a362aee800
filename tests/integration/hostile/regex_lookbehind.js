// ends: cpu_limit
export default {
  async fetch(request, env, ctx) {
    /(?<=(a+)+)b/.test('a'.repeat(60));
    /^(([a-z])+.)+[A-Z]([a-z])+$/.test('a'.repeat(100));
  },
};
