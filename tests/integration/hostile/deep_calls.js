// ends: script_exception
export default {
  async fetch(request, env, ctx) {
    const f = () => f() + 1;
    f();
  },
};
