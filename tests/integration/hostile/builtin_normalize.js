// ends: memory_limit cpu_limit script_exception
export default {
  async fetch(request, env, ctx) {
    return new Response('\u00e9'.repeat(2e8).normalize('NFD').length);
  },
};
