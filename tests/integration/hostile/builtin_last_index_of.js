// ends: cpu_limit script_exception
export default {
  async fetch(request, env, ctx) {
    return new Response([].lastIndexOf.call({ length: 2 ** 53 - 1 }, 1));
  },
};
