// ends: 200
// sends: 3000000
export default {
  async fetch(request, env, ctx) {
    request.clone();
    request.clone();
    return new Response('not read');
  },
};
