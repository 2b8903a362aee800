// ends: cpu_limit memory_limit script_exception
export default {
  async fetch(request, env, ctx) {
    return new Response(JSON.stringify(new Uint8Array(1e8)));
  },
};
