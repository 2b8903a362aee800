// ends: cpu_limit
export default {
  async fetch(request, env, ctx) {
    const { readable, writable } = new TransformStream({ transform() { for (;;) {} } });
    writable.getWriter().write(1);
    await readable.getReader().read();
  },
};
