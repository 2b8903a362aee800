// ends: cpu_limit
export default {
  async fetch(request, env, ctx) {
    for (;;) new Float64Array(2e6).map(Math.random).sort((a, b) => a - b);
  },
};
