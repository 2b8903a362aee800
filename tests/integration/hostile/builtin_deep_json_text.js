// ends: script_exception memory_limit cpu_limit
export default {
  async fetch(request, env, ctx) {
    JSON.parse('['.repeat(1e7) + ']'.repeat(1e7));
    throw new Error('parsed');
  },
};
