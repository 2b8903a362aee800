// ends: 200 memory_limit script_exception
export default {
  async fetch(request, env, ctx) {
    let s = '';
    for (let i = 0; i < 1e6; ++i) s = 'a' + s + 'b';
    return new Response(s.length + s.slice(-1));
  },
};
