// ends: memory_limit script_exception cpu_limit
export default {
  async fetch(request, env, ctx) {
    const kept = new Headers();
    for (let i = 0; ; ++i) kept.append('x-' + i, 'y'.repeat(1000));
  },
};
