// ends: cpu_limit
export default {
  async fetch(request, env, ctx) {
    const again = () => Promise.resolve().then(again);
    again();
    await new Promise(() => {});
  },
};
