// ends: script_exception 200
export default {
  async fetch(request, env, ctx) {
    let p = {};
    for (let i = 0; i < 1e5; ++i) p = new Proxy(p, {});
    return new Response(p.x);
  },
};
