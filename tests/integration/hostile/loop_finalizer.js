// ends: cpu_limit 200
export default {
  async fetch(request, env, ctx) {
    const registry = new FinalizationRegistry(() => { for (;;) {} });
    for (let i = 0; i < 1e5; ++i) registry.register({ i }, i);
    for (let i = 0; i < 40; ++i) {
      new Array(1e5).fill(i);
      await scheduler.wait(1);
    }
    return new Response('none ran');
  },
};
