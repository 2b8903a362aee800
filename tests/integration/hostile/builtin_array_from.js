// ends: cpu_limit memory_limit script_exception
export default {
  async fetch(request, env, ctx) {
    return new Response(Array.from({ length: 2 ** 32 - 2 }).length);
  },
};
