// ends: endless
export default {
  async fetch(request, env, ctx) {
    return new Response(new ReadableStream({ pull(c) { c.enqueue(new Uint8Array(65536)); } }));
  },
};
