// ends: cpu_limit memory_limit script_exception
export default {
  async fetch(request, env, ctx) {
    [].fill.call({ length: 2 ** 53 - 1 }, 1);
  },
};
