// ends: cpu_limit memory_limit script_exception
export default {
  async fetch(request, env, ctx) {
    const text = '\u00e9'.repeat(4e6);
    for (;;) new TextEncoder().encode(text);
  },
};
