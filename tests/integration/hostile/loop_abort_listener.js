// ends: cpu_limit
export default {
  async fetch(request, env, ctx) {
    const controller = new AbortController();
    controller.signal.addEventListener('abort', () => { for (;;) {} });
    controller.abort();
  },
};
