// ends: 200 cpu_limit script_exception
export default {
  async fetch(request, env, ctx) {
    let e = new Error('x');
    for (let i = 0; i < 1e5; ++i) e = new Error('y', { cause: e });
    console.log(e);
    throw e;
  },
};
