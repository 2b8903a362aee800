// ends: memory_limit cpu_limit
export default {
  async fetch(request, env, ctx) {
    const kept = {};
    for (let i = 0; ; ++i) kept['key' + i] = i;
  },
};
