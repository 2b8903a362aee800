// ends: memory_limit script_exception
export default {
  async fetch(request, env, ctx) {
    const kept = [];
    for (;;) kept.push(3n ** 1000000n + BigInt(kept.length));
  },
};
