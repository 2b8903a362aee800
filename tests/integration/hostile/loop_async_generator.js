// ends: cpu_limit
export default {
  async fetch(request, env, ctx) {
    async function* endless() { for (;;) yield 1; }
    for await (const x of endless()) if (x === 2) break;
  },
};
