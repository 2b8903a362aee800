// ends: memory_limit cpu_limit
export default {
  async fetch(request, env, ctx) {
    for (let i = 0; ; ++i) globalThis['x' + i] = new Array(1000);
  },
};
