// ends: cpu_limit
export default {
  async fetch(request, env, ctx) {
    Error.prepareStackTrace = () => { for (;;) {} };
    return new Response(new Error('x').stack);
  },
};
