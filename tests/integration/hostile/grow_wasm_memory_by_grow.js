// ends: memory_limit script_exception
export default {
  async fetch(request, env, ctx) {
    const kept = [];
    for (;;) {
      const m = new WebAssembly.Memory({ initial: 0 });
      m.grow(1000);
      new Uint8Array(m.buffer).fill(1);
      kept.push(m);
    }
  },
};
