// ends: memory_limit script_exception
export default {
  async fetch(request, env, ctx) {
    let a = [1, 2, 3];
    for (;;) a = [...a, ...a];
  },
};
