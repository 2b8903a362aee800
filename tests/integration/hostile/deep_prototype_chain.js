// ends: 200 memory_limit script_exception cpu_limit
export default {
  async fetch(request, env, ctx) {
    let o = {};
    for (let i = 0; i < 1e5; ++i) o = Object.create(o);
    let n = 0;
    for (let i = 0; i < 100; ++i) n += o.gone === undefined;
    return new Response(n);
  },
};
