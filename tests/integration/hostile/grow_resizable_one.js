// ends: memory_limit script_exception
export default {
  async fetch(request, env, ctx) {
    const b = new ArrayBuffer(0, { maxByteLength: 2 ** 32 });
    for (let n = 0; ; n += 1e7) {
      b.resize(n);
      new Uint8Array(b, Math.max(0, n - 1e7)).fill(1);
    }
  },
};
