// ends: memory_limit script_exception cpu_limit
export default {
  async fetch(request, env, ctx) {
    const target = new EventTarget();
    for (let i = 0; ; ++i) target.addEventListener('x' + i, () => i);
  },
};
