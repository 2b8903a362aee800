// ends: cpu_limit script_exception
export default {
  async fetch(request, env, ctx) {
    const a = 3n ** 2000000n;
    for (;;) a.toString().length;
  },
};
