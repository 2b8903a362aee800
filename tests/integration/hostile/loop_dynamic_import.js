// ends: cpu_limit
// file: endless.js: for (;;) {}
export default {
  async fetch(request, env, ctx) {
    await import('./endless.js');
  },
};
