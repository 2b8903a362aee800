// ends: wall_limit
export default {
  async fetch(request, env, ctx) {
    await new Promise(() => setInterval(() => {}, 1000));
  },
};
