// ends: memory_limit script_exception
export default {
  async fetch(request, env, ctx) {
    const start = (controller) => {
      for (;;) controller.enqueue(new Uint8Array(1e5).fill(1));
    };
    await new Promise(() => new ReadableStream({ start }));
  },
};
