// ends: script_exception
export default {
  async fetch(request, env, ctx) {
    const o = { get x() { return this.x; } };
    o.x;
  },
};
