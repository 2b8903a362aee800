// ends: memory_limit cpu_limit
export default {
  async fetch(request, env, ctx) {
    function* g() { yield new Array(100); }
    const kept = [];
    for (;;) { const it = g(); it.next(); kept.push(it); }
  },
};
