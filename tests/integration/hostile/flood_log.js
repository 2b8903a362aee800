// ends: 200
export default {
  async fetch(request, env, ctx) {
    for (let i = 0; i < 1e5; ++i) console.log('x'.repeat(100), i);
    return new Response('logged');
  },
};
