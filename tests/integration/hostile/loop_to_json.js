// ends: cpu_limit
export default {
  async fetch(request, env, ctx) {
    return Response.json({ toJSON() { for (;;) {} } });
  },
};
