// ends: memory_limit cpu_limit script_exception
export default {
  async fetch(request, env, ctx) {
    const kept = [];
    for (;;) kept.push((1n << 8000000n) + BigInt(kept.length));
  },
};
