// ends: cpu_limit script_exception 200
export default {
  async fetch(request, env, ctx) {
    const pattern = new URLPattern({ pathname: '/(a?)'.repeat(12) + '(b+)' });
    for (;;) pattern.test({ pathname: '/a'.repeat(24) });
  },
};
