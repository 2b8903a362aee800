// ends: 200 script_exception
export default {
  async fetch(request, env, ctx) {
    let p = Promise.resolve(1);
    for (let i = 0; i < 1e5; ++i) p = ((q) => new Promise((resolve) => resolve(q)))(p);
    return new Response(await p);
  },
};
