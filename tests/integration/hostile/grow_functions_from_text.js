// ends: script_exception
export default {
  async fetch(request, env, ctx) {
    const kept = [];
    for (;;) kept.push(new Function('return ' + '1+'.repeat(1e6) + '1'));
  },
};
