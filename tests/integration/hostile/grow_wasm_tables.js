// ends: memory_limit script_exception
export default {
  async fetch(request, env, ctx) {
    const kept = [];
    for (;;) kept.push(new WebAssembly.Table({ element: 'anyfunc', initial: 1e6 }));
  },
};
