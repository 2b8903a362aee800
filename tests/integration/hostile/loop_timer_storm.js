// ends: cpu_limit
export default {
  async fetch(request, env, ctx) {
    const again = () => { for (let i = 0; i < 1e4; ++i) Math.sqrt(i); setTimeout(again, 0); };
    for (let i = 0; i < 100; ++i) again();
    await new Promise(() => {});
  },
};
