// ends: script_exception
export default {
  async fetch(request, env, ctx) {
    let x = [];
    for (let i = 0; i < 1e6; ++i) x = [x];
    return Response.json(x);
  },
};
