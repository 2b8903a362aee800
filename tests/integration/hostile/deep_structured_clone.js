// ends: script_exception memory_limit script_exception
export default {
  async fetch(request, env, ctx) {
    let x = [];
    for (let i = 0; i < 1e6; ++i) x = [x];
    structuredClone(x);
    throw new Error('cloned');
  },
};
