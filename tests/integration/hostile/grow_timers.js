// ends: script_exception
export default {
  async fetch(request, env, ctx) {
    for (;;) setTimeout(() => {}, 60000);
  },
};
