// ends: broken endless memory_limit cpu_limit
export default {
  async fetch(request, env, ctx) {
    // Written to the response without waiting: what waits outside of the heap is bounded too.
    const deep = { highWaterMark: 1e15 };
    const { readable, writable } = new TransformStream(undefined, deep, deep);
    ctx.waitUntil((async () => {
      const writer = writable.getWriter();
      for (;;) writer.write(new Uint8Array(1e6));
    })());
    return new Response(readable);
  },
};
