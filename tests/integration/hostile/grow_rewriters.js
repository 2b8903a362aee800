// ends: memory_limit script_exception cpu_limit
export default {
  async fetch(request, env, ctx) {
    const kept = [], rewriter = new HTMLRewriter().on('a[href]', { element() {} });
    for (;;) kept.push(rewriter.transform(new Response('<a>')));
  },
};
