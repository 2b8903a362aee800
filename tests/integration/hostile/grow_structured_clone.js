// ends: memory_limit script_exception
export default {
  async fetch(request, env, ctx) {
    let a = new Array(1e5).fill({ x: 1 });
    const kept = [];
    for (;;) kept.push(structuredClone(a));
  },
};
