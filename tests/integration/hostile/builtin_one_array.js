// ends: memory_limit cpu_limit script_exception
export default {
  async fetch(request, env, ctx) {
    const kept = new Array(1e8).fill(1.5);
    return new Response(kept.length);
  },
};
