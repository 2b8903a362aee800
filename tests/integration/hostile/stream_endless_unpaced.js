// ends: endless cpu_limit memory_limit broken
export default {
  async fetch(request, env, ctx) {
    const start = async (controller) => {
      for (;;) {
        controller.enqueue(new Uint8Array(65536));
        await null;
      }
    };
    return new Response(new ReadableStream({ start }));
  },
};
