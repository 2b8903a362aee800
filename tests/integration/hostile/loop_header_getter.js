// ends: cpu_limit
export default {
  async fetch(request, env, ctx) {
    return new Response('x', { headers: { get a() { for (;;) {} } } });
  },
};
