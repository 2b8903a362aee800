// ends: cpu_limit
export default {
  async fetch(request, env, ctx) {
    'x'.replace(/x/, () => { for (;;) {} });
  },
};
