// ends: script_hung
export default {
  async fetch(request, env, ctx) {
    await new Promise(() => {});
  },
};
