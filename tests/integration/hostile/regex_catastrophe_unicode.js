// ends: cpu_limit
export default {
  async fetch(request, env, ctx) {
    /^(\p{L}+)+$/u.test('a'.repeat(60) + '1');
  },
};
