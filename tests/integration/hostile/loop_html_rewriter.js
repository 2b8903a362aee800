// ends: cpu_limit
export default {
  async fetch(request, env, ctx) {
    const rewriter = new HTMLRewriter().on('p', { element() { for (;;) {} } });
    return new Response(await rewriter.transform(new Response('<p>x')).text());
  },
};
