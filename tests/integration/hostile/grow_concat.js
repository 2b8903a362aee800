// ends: memory_limit script_exception
export default {
  async fetch(request, env, ctx) {
    let a = new Array(1000).fill(0);
    for (;;) a = a.concat(a);
  },
};
