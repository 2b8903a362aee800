// ends: cpu_limit
export default {
  async fetch(request, env, ctx) {
    for (;;) crypto.getRandomValues(new Uint8Array(65536));
  },
};
