// ends: cpu_limit memory_limit script_exception
export default {
  async fetch(request, env, ctx) {
    const a = [];
    a.length = 2 ** 32 - 1;
    a[2 ** 31] = 1;
    a.sort();
    return new Response(a.length);
  },
};
