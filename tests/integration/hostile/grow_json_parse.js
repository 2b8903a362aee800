// ends: memory_limit cpu_limit
export default {
  async fetch(request, env, ctx) {
    const kept = [];
    for (;;) kept.push(JSON.parse('[' + '[1],'.repeat(1e6) + '1]'));
  },
};
