// ends: script_exception 200
export default {
  async fetch(request, env, ctx) {
    const headers = new Headers();
    for (let i = 0; i < 80; ++i) headers.append('x-' + i, 'y'.repeat(60000));
    return new Response('x', { headers });
  },
};
