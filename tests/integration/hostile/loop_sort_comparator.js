// ends: cpu_limit
export default {
  async fetch(request, env, ctx) {
    [3, 2, 1].sort(() => { for (;;) {} });
  },
};
