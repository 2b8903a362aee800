// ends: cpu_limit
export default {
  async fetch(request, env, ctx) {
    const f = () => {
      try {
        f();
      } finally {
        f();
      }
    };
    f();
  },
};
