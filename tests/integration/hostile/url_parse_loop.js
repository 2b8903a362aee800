// ends: cpu_limit
export default {
  async fetch(request, env, ctx) {
    for (;;) new URL('http://example.com/' + 'a/../'.repeat(1000));
  },
};
