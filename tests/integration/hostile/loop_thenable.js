// ends: cpu_limit
export default {
  async fetch(request, env, ctx) {
    return { then() { for (;;) {} } };
  },
};
