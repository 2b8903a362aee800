// ends: memory_limit script_exception
export default {
  async fetch(request, env, ctx) {
    const kept = [];
    for (;;) kept.push(new Uint8Array(1e6).fill(1));
  },
};
