// ends: 200 cpu_limit memory_limit script_exception
export default {
  async fetch(request, env, ctx) {
    let f = () => 1;
    for (let i = 0; i < 1e6; ++i) f = f.bind(null);
    return new Response(f());
  },
};
