// ends: cpu_limit memory_limit script_exception
export default {
  async fetch(request, env, ctx) {
    let n = 0;
    for (const k in new Uint8Array(1e8)) n += k.length;
    return new Response(n);
  },
};
