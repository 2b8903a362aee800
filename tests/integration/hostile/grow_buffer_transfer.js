// ends: memory_limit script_exception
export default {
  async fetch(request, env, ctx) {
    const kept = [];
    for (;;) kept.push(new ArrayBuffer(10).transfer(1e6));
  },
};
