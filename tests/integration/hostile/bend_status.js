// ends: script_exception
export default {
  async fetch(request, env, ctx) {
    return new Response('x', { status: 2 ** 40 });
  },
};
