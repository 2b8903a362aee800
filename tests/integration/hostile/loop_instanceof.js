// ends: cpu_limit
export default {
  async fetch(request, env, ctx) {
    return new Response(1 instanceof { [Symbol.hasInstance]() { for (;;) {} } });
  },
};
