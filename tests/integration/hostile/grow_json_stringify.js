// ends: cpu_limit memory_limit script_exception
export default {
  async fetch(request, env, ctx) {
    let x = [1];
    for (let i = 0; i < 40; ++i) x = [x, x];
    return Response.json(x);
  },
};
