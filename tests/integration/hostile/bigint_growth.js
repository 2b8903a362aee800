// ends: cpu_limit memory_limit script_exception
export default {
  async fetch(request, env, ctx) {
    let a = 3n;
    for (;;) a = a * a;
  },
};
