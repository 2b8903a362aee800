// ends: memory_limit script_exception
export default {
  async fetch(request, env, ctx) {
    let n = 0;
    const endless = new ReadableStream({ pull(c) { c.enqueue(new Uint8Array(1e5).fill(++n)); } });
    const [a, b] = endless.tee();
    const reader = a.getReader();
    for (;;) { await reader.read(); b.locked; }
  },
};
