// ends: 200
// sends: 3000000
export default {
  async fetch(request, env, ctx) {
    return new Response('not read');
  },
};
