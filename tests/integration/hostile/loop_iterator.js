// ends: cpu_limit
export default {
  async fetch(request, env, ctx) {
    new Headers({ [Symbol.iterator]: () => ({ next() { for (;;) {} } }) });
  },
};
