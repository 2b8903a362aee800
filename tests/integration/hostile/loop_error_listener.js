// ends: cpu_limit
export default {
  async fetch(request, env, ctx) {
    addEventListener('error', () => { for (;;) {} });
    setTimeout(() => { throw 1; });
    await scheduler.wait(60000);
  },
};
