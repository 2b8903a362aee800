// ends: 200
export default {
  async fetch(request, env, ctx) {
    console.log('x'.repeat(1e8));
    return new Response('logged');
  },
};
