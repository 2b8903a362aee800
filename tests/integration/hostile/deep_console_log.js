// ends: 200 cpu_limit
export default {
  async fetch(request, env, ctx) {
    let x = [];
    for (let i = 0; i < 1e5; ++i) x = [x];
    console.log(x);
    return new Response('logged');
  },
};
