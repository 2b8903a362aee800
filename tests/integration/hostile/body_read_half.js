// ends: 200
// sends: 3000000
export default {
  async fetch(request, env, ctx) {
    await request.body.getReader().read();
    return new Response('half');
  },
};
