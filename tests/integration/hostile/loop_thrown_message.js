// ends: cpu_limit
export default {
  async fetch(request, env, ctx) {
    throw { name: 'x', get message() { for (;;) {} } };
  },
};
