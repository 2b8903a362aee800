// ends: cpu_limit
export default {
  async fetch(request, env, ctx) {
    JSON.parse('[1]', () => { for (;;) {} });
  },
};
