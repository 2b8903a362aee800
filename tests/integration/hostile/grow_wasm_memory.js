// ends: memory_limit script_exception
export default {
  async fetch(request, env, ctx) {
    const kept = [];
    for (;;) {
      const m = new WebAssembly.Memory({ initial: 100 });
      new Uint8Array(m.buffer).fill(1);
      kept.push(m);
    }
  },
};
