// ends: 200
export default {
  async fetch(request, env, ctx) {
    ctx.waitUntil(new Promise(() => setInterval(() => {}, 1000)));
    return new Response('answered before');
  },
};
