// ends: 200
export default {
  async fetch(request, env, ctx) {
    ctx.waitUntil((async () => { await scheduler.wait(1); for (;;) {} })());
    return new Response('answered before');
  },
};
