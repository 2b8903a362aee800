// ends: script_exception memory_limit script_exception
export default {
  async fetch(request, env, ctx) {
    new RegExp('('.repeat(1e6) + ')'.repeat(1e6));
    throw new Error('made');
  },
};
