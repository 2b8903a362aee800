// ends: script_exception memory_limit cpu_limit 200
export default {
  async fetch(request, env, ctx) {
    return new Response([...'x'.repeat(1e8).matchAll(/x/g)].length);
  },
};
