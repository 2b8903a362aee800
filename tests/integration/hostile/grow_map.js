// ends: memory_limit cpu_limit
export default {
  async fetch(request, env, ctx) {
    const kept = new Map();
    for (let i = 0; ; ++i) kept.set(i, [i]);
  },
};
