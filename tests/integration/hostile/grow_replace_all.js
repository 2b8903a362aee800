// ends: memory_limit script_exception
export default {
  async fetch(request, env, ctx) {
    return new Response('x'.repeat(1e7).replaceAll('x', 'y'.repeat(100)).length);
  },
};
