// ends: memory_limit script_exception
export default {
  async fetch(request, env, ctx) {
    const kept = [];
    for (;;) {
      const b = new ArrayBuffer(0, { maxByteLength: 1e7 });
      b.resize(1e7);
      new Uint8Array(b).fill(1);
      kept.push(b);
    }
  },
};
