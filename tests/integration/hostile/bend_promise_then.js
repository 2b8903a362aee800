// ends: script_exception 200 cpu_limit script_hung
export default {
  async fetch(request, env, ctx) {
    Promise.prototype.then = () => { for (;;) {} };
    await scheduler.wait(1);
    return new Response('bent');
  },
};
