// ends: cpu_limit
export default {
  async fetch(request, env, ctx) {
    addEventListener('unhandledrejection', () => { for (;;) {} });
    Promise.reject(1);
    await scheduler.wait(60000);
  },
};
