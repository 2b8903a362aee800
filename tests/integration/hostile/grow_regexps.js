// ends: memory_limit cpu_limit
export default {
  async fetch(request, env, ctx) {
    const kept = [];
    for (;;) { const r = new RegExp('(a|b){1,500}' + kept.length); r.test('ab'); kept.push(r); }
  },
};
