// ends: cpu_limit
export default {
  async fetch(request, env, ctx) {
    await new Promise(() => setTimeout(() => { for (;;) {} }));
  },
};
