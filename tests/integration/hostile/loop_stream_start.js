// ends: cpu_limit
export default {
  async fetch(request, env, ctx) {
    return new Response(new ReadableStream({ start() { for (;;) {} } }));
  },
};
