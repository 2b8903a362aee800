// ends: cpu_limit
export default {
  async fetch(request, env, ctx) {
    const trap = { getOwnPropertyDescriptor() { for (;;) {} } };
    for (const key in new Proxy({ a: 1 }, trap)) return new Response(key);
  },
};
