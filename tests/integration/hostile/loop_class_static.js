// ends: cpu_limit
export default {
  async fetch(request, env, ctx) {
    class A { static { for (;;) {} } }
    return new Response(A.name);
  },
};
