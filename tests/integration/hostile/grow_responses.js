// ends: memory_limit script_exception
export default {
  async fetch(request, env, ctx) {
    const kept = [], headers = { a: 'b'.repeat(100) };
    for (;;) kept.push(new Response('x'.repeat(1e5) + kept.length, { headers }));
  },
};
