// ends: endless
export default {
  async fetch(request, env, ctx) {
    const start = (controller) => {
      controller.enqueue(new Uint8Array(1));
      setInterval(() => {}, 1000);
    };
    return new Response(new ReadableStream({ start }));
  },
};
