// ends: cpu_limit
export default {
  async fetch(request, env, ctx) {
    for (;;) console.log('x'.repeat(1000));
  },
};
