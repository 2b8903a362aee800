// ends: cpu_limit
export default {
  async fetch(request, env, ctx) {
    new Set({ [Symbol.iterator]: () => ({ next: () => ({ done: false }) }) });
  },
};
