// ends: cpu_limit
export default {
  async fetch(request, env, ctx) {
    // Each one is short: their sum is what counts.
    await new Promise(() => setInterval(() => { for (let i = 0; i < 3e5; ++i) Math.sqrt(i); }, 0));
  },
};
