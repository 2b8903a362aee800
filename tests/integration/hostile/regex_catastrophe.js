// ends: cpu_limit
export default {
  async fetch(request, env, ctx) {
    /(a*)*b/.test('a'.repeat(100));
  },
};
