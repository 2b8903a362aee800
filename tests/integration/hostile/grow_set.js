// ends: memory_limit cpu_limit script_exception
export default {
  async fetch(request, env, ctx) {
    const kept = new Set();
    for (let i = 0; ; ++i) kept.add(i);
  },
};
