// ends: memory_limit cpu_limit script_exception
export default {
  async fetch(request, env, ctx) {
    const kept = [];
    for (;;) kept.push(new Array(2 ** 27 - 10).fill({}));
  },
};
