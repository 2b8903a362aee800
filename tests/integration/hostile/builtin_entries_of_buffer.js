// ends: cpu_limit memory_limit script_exception
export default {
  async fetch(request, env, ctx) {
    return new Response(Object.entries(new Uint8Array(6e7)).length);
  },
};
