// ends: script_exception 200
export default {
  async fetch(request, env, ctx) {
    const headers = new Headers();
    for (let i = 0; i < 90; ++i) headers.append('set-cookie', 'a=' + i);
    return new Response('x', { headers });
  },
};
