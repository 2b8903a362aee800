// ends: cpu_limit
export default {
  async fetch(request, env, ctx) {
    const bytes = new Uint8Array(1e7);
    for (;;) new TextDecoder().decode(bytes);
  },
};
