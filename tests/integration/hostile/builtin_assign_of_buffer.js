// ends: cpu_limit memory_limit script_exception
export default {
  async fetch(request, env, ctx) {
    return new Response(Object.keys({ ...new Uint8Array(1e8) }).length);
  },
};
