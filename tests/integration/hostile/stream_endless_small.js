// ends: endless
export default {
  async fetch(request, env, ctx) {
    const bytes = new TextEncoder().encode('x');
    return new Response(new ReadableStream({ pull(c) { c.enqueue(bytes); } }));
  },
};
