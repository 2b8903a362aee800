// ends: memory_limit script_exception cpu_limit
export default {
  async fetch(request, env, ctx) {
    const kept = [];
    for (;;) kept.push(new WebSocketPair());
  },
};
