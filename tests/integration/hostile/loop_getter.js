// ends: cpu_limit
export default {
  async fetch(request, env, ctx) {
    return new Response('x', { get status() { for (;;) {} } });
  },
};
